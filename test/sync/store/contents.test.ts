import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { createOdooClient } from '../../../src/odoo/client.ts';
import type { OdooClient } from '../../../src/odoo/types.ts';
import { inGroups } from '../../../src/shared/collections.ts';
import { isOutage } from '../../../src/sync/error-policy.ts';
import { type Holder, readContents } from '../../../src/sync/fetch/binaries.ts';
import { isSizeText, promisedBytes } from '../../../src/sync/fetch/binary-sizes.ts';
import { sourceOf } from '../../support/source.ts';

const BC = 'dimagaz.bc';

describe('size texts', () => {
  it.each([
    ['12.00 bytes', 16],
    ['3.00 Kb', 4096],
    ['20.00 Mb', (20 * 1024 * 1024 * 4) / 3],
    ['1.50 Gb', 2 * 1024 ** 3],
  ])('%s promises its size in base64', (text, bytes) => {
    expect([isSizeText(text), promisedBytes(text)]).toEqual([true, Math.ceil(bytes)]);
  });

  it.each(['', 'AAAA', '12 apples', false])('%j is none', (value) => {
    expect(isSizeText(value)).toBe(false);
  });
});

describe('contents', () => {
  let odoo: SandboxOdoo;
  let client: OdooClient;
  let ids: number[] = [];
  beforeAll(async () => {
    odoo = await startSandboxOdoo({ documents: 0 });
    odoo.setField(BC, 'sceau', { type: 'binary', string: 'Sceau' });
    ids = Array.from({ length: 5 }, (_, at) =>
      odoo.create(BC, { name: 'BC', scan: btoa(`scan ${at}`), sceau: btoa(`sceau ${at}`) }),
    );
    const options = { url: odoo.url, db: odoo.db, user: odoo.user, password: odoo.password };
    client = createOdooClient({
      ...options,
      protocol: 'jsonrpc',
      timeoutMs: 500,
      context: {},
      concurrency: 1,
    });
    await client.connect();
  });
  beforeEach(() => {
    odoo.faults.clear();
    odoo.calls.length = 0;
  });
  afterAll(async () => {
    await client.close();
    await odoo.stop();
  });

  /** The announced sizes decide; the real contents are small. */
  const holders = (...sizes: Record<string, string>[]): Holder[] =>
    sizes.map((said, at) => ({ id: ids[at] ?? 0, sizes: said }));
  const asked = async (wanted: readonly Holder[]) => {
    const calls = [];
    for await (const { fields, records } of readContents(sourceOf(client), BC, wanted)) {
      calls.push([fields.join(), ...[...records.keys()].map((id) => ids.indexOf(id))]);
    }
    return calls;
  };

  it('are asked for together while little is promised', async () => {
    const small = { scan: '10.00 Kb' };
    expect(await asked(holders(small, { scan: '1.00 Mb', sceau: '3.00 bytes' }, small))).toEqual([
      ['scan,sceau', 0, 1, 2],
    ]);
    expect(odoo.calls).toHaveLength(1);
  });

  it('are asked for in calls that promise a few megabytes each', async () => {
    const [two, four] = [{ scan: '1.90 Mb' }, { scan: '4.00 Mb' }];
    expect(await asked(holders(two, two, four, two, two))).toEqual([
      ['scan', 0, 1],
      ['scan', 2, 3],
      ['scan', 4],
    ]);
  });

  it('are asked for one by one when they are large, even of one record', async () => {
    const large = { scan: '20.00 Mb', sceau: '20.00 Mb' };
    expect(await asked(holders({ scan: '20.00 Mb' }, { sceau: '1.00 Kb' }, large))).toEqual([
      ['sceau', 1],
      ['scan', 0],
      ['scan', 2],
      ['sceau', 2],
    ]);
  });

  it('that do not arrive in time are named, with their size and what to do', async () => {
    odoo.faults.when({ method: 'read' }, 'hang');
    const error = await asked(holders({ scan: '20.00 Mb' })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'odoo_content_timeout',
      message: `dimagaz.bc ${ids[0]}: scan (26.7 MB on the line) did not arrive before ODOO_TIMEOUT_MS was over. Raise it, or leave the contents of binary fields out with SYNC_BINARIES=off.`,
    });
    expect(isOutage(error)).toBe(true);
  });
});

it('groups keep the order, and hold what fits by weight and by number', () => {
  const most = { bytes: 10, count: 3 };
  expect(inGroups([4, 6, 1, 11, 1, 1, 1, 1], (bytes) => bytes, most)).toEqual([
    [4, 6],
    [1],
    [11],
    [1, 1, 1],
    [1],
  ]);
  expect(inGroups([], () => 1, most)).toEqual([]);
});
