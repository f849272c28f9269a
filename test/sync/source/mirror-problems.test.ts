import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SandboxOdoo, startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import type { MirrorSettings } from '../../../src/config/index.ts';
import { mirrorProblems } from '../../../src/discovery/check-mirrors.ts';
import { createOdooClient } from '../../../src/odoo/client.ts';
import type { OdooClient } from '../../../src/odoo/types.ts';
import { passerelle } from '../../cli/passerelle.ts';
import { freshPrefix } from '../../support/redis.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const FIELDS = { include: null, exclude: [], drop: [], hash: [], mask: [] };

/** A mirror of partners with these settings. */
const partners = (wrong: Partial<MirrorSettings>): MirrorSettings => ({
  ...{ name: 'partners', model: 'res.partner', lineModel: null, linesField: undefined, domain: [] },
  ...{ everyMs: null, fullCron: null, sweepEveryMs: null, context: {}, binaries: true, pageSize: 100 },
  ...{ fields: FIELDS, ...wrong },
});

let odoo: SandboxOdoo;
let client: OdooClient;
beforeAll(async () => {
  odoo = await startSandboxOdoo({ documents: 1 });
  client = createOdooClient({
    ...{ url: odoo.url, db: odoo.db, user: odoo.user, password: odoo.password },
    ...{ protocol: 'jsonrpc', timeoutMs: 60_000, context: {}, concurrency: 4 },
  });
});
afterAll(async () => {
  await client?.close();
  await odoo?.stop();
});

const problemsOf = (...wrong: Partial<MirrorSettings>[]) =>
  mirrorProblems(client, wrong.map(partners), (...path) => `line of ${path.join('.')}`);

describe('what Odoo contradicts in MIRRORS_FILE', () => {
  it.for([
    [
      'a model that Odoo does not have',
      { model: 'res.partnr' },
      'line of mirrors.partners.model: Odoo has no model "res.partnr". Did you mean res.partner?',
    ],
    [
      'a line model that Odoo does not have',
      { lineModel: 'acount.move' },
      'line of mirrors.partners.lines: Odoo has no model "acount.move". Did you mean account.move?',
    ],
    [
      'a line model without a link',
      { lineModel: 'dimagaz.tag' },
      /^line of mirrors\.partners\.lines: .*res\.partner.*dimagaz\.tag/,
    ],
    [
      'a field in a policy',
      { fields: { ...FIELDS, hash: ['city', 'emial'] } },
      'line of mirrors.partners.fields.hash.1: no field of res.partner matches "emial". Did you mean email?',
    ],
    [
      'a pattern that matches nothing',
      { fields: { ...FIELDS, exclude: ['image_*'] } },
      'line of mirrors.partners.fields.exclude.0: no field of res.partner matches "image_*".',
    ],
    [
      'a field in the domain',
      { domain: [['citty', '=', 'Paris']] },
      'line of mirrors.partners.domain: res.partner has no field "citty". Did you mean city?',
    ],
    [
      'a domain that Odoo refuses',
      { domain: [['city', 'no operator', 'Paris']] },
      /^line of mirrors\.partners\.domain: Odoo refuses this domain\. /,
    ],
  ] as const)('%s', async ([, wrong, text]) => {
    const found = await problemsOf(wrong as Partial<MirrorSettings>);
    expect(found).toEqual([typeof text === 'string' ? text : expect.stringMatching(text)]);
  });

  it('is all listed at once, and nothing of a mirror that fits', async () => {
    const found = await problemsOf(
      { name: 'a', fields: { ...FIELDS, drop: ['nam'], mask: ['emial'] } },
      { name: 'b', domain: [['active', '=', true]], fields: { ...FIELDS, mask: ['em*'] } },
      { name: 'c', model: 'no.model' },
    );
    expect(found.map((text) => text.split(':')[0])).toEqual([
      'line of mirrors.a.fields.drop.0',
      'line of mirrors.a.fields.mask.0',
      'line of mirrors.c.model',
    ]);
  });

  it('is not a model that the user may not read: its mirror fails alone', async () => {
    odoo.faults.denyModel('res.partner');
    expect(await problemsOf({ domain: [['city', '=', 'Paris']] })).toEqual([]);
    odoo.faults.clear();
  });
});

it('stops a worker before anything runs, and is shown by check', async () => {
  const setup = await openTestSetup({ sandbox: { documents: 1 } });
  const folder = await mkdtemp(join(tmpdir(), 'passerelle-mirrors-'));
  try {
    const file = join(folder, 'mirrors.yaml');
    await writeFile(
      file,
      'mirrors:\n  partners:\n    model: res.partner\n    fields:\n      mask: [emial]\n',
    );
    const env = { ...setup.env, MIRRORS_FILE: file, QUEUE_PREFIX: freshPrefix() };
    const problem = `${file} line 5: mirrors.partners.fields.mask[0]: no field of res.partner matches "emial". Did you mean email?`;
    const worker = startWorkerProcess({ ...env, LOG_LEVEL: 'warn' });
    expect([await worker.exit, worker.output()]).toEqual([2, expect.stringContaining(problem)]);
    const [tables] = await setup.database.client`select to_regclass('scrap_res_partner') as partners`;
    expect(tables).toEqual({ partners: null });
    const { code, stdout } = await passerelle(['check'], env);
    expect([code, stdout]).toEqual([1, expect.stringContaining(problem)]);
  } finally {
    await rm(folder, { recursive: true });
    await setup.close();
  }
});
