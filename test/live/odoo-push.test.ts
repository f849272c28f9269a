import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiKey } from '../../src/db/api-keys.ts';
import type { TestApi } from '../api/http/start-api.ts';
import { bearer, startApi } from '../api/http/start-api.ts';
import type { TestMirror } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';
import type { LiveSetup } from './odoo-setup.ts';
import { call, missing, openLiveSetup, run } from './odoo-setup.ts';

const lacking = missing('ODOO_WEBHOOK_COMMAND');
const title = 'a change that a real Odoo announces';
const SECRET = 'a-secret-of-the-webhooks-42';
const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const CHANGES = 20;

if (lacking !== null)
  describe(title, () => {
    it.skip(`needs ${lacking}`);
  });
else
  describe(title, () => {
    let setup: LiveSetup;
    let testMirror: TestMirror;
    let api: TestApi;
    let headers: { authorization: string };
    beforeAll(async () => {
      setup = await openLiveSetup();
      const opened = setup.open({ ODOO_HOOK_SECRET: SECRET });
      testMirror = opened;
      await testMirror.work();
      await testMirror.run('full');
      // The API has the same variables as the mirror. Schedules stay off: only webhooks cause runs.
      api = await startApi({ ...opened.env, ODOO_HOOK_SECRET: SECRET }, { db: testMirror.mirror.db });
      const { key } = await createApiKey(testMirror.mirror.db, {
        name: 'live',
        scopes: ['bc:read'],
        methods: [],
      });
      headers = bearer(key);
      const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
      await run('ODOO_WEBHOOK_COMMAND', `HOOK_URL = '${url}/hooks/odoo?secret=${SECRET}'\n`);
    });
    afterAll(async () => {
      await run('ODOO_WEBHOOK_COMMAND', 'HOOK_URL = None\n');
      await api?.close();
      await setup?.close();
    });

    const shown = async (id: number) =>
      (await api.app.inject({ url: `/api/v1/bc/${id}?include=lines`, headers })).json();
    const shows = (id: number, fits: (bc: Awaited<ReturnType<typeof shown>>) => boolean, what: string) =>
      waitFor(async () => {
        const bc = await shown(id);
        return bc.fields !== undefined && fits(bc);
      }, what);
    const create = async (name: string) =>
      Number(await call(BC, 'create', [{ name, line_ids: [[0, 0, { name: 'Bouteille', quantity: 1 }]] }]));
    const lineOf = async (id: number) => Number((await shown(id)).lines[0].odooId);

    it('is in the read API seconds later, though nothing else looks', async () => {
      const id = await create('POUSSÉ/1');
      await shows(id, () => true, 'the BC');
      const seconds: number[] = [];
      for (let at = 1; at <= CHANGES; at += 1) {
        await call(BC, 'write', [[id], { notes: `raconté ${at} fois` }]);
        const start = performance.now();
        await shows(id, ({ fields }) => fields.notes === `raconté ${at} fois`, `change ${at}`);
        seconds.push((performance.now() - start) / 1000);
      }
      seconds.sort((left, right) => left - right);
      const [median, most] = [seconds[CHANGES / 2], seconds.at(-1)].map((time) => time?.toFixed(2));
      process.stderr.write(`from Odoo to the read API: median ${median} s, slowest ${most} s\n`);
      const [runs] = await setup.database.client`
        select count(*)::int as n from sync_log where trigger = 'hook' and mode = 'single' and status = 'success'`;
      expect(runs?.['n']).toBeGreaterThanOrEqual(CHANGES);
    });

    it('may be of a line alone: written, added, moved or deleted', async () => {
      const [from, to] = [await create('POUSSÉ/2'), await create('POUSSÉ/3')];
      for (const id of [from, to]) await shows(id, ({ lines }) => lines.length === 1, `BC ${id}`);
      const line = await lineOf(from);
      await call(LINE, 'write', [[line], { note: 'à vérifier' }]);
      await shows(from, ({ lines }) => lines[0]?.fields.note === 'à vérifier', 'the note');
      await call(LINE, 'create', [{ bc_id: from, name: 'Bouteille 6 kg', quantity: 1, price_unit: 0 }]);
      await shows(from, ({ lines }) => lines.length === 2, 'the new line');
      await call(LINE, 'write', [[line], { bc_id: to }]);
      await shows(to, ({ lines }) => lines.length === 2, 'the line where it went');
      await shows(from, ({ lines }) => lines.length === 1, 'the BC that it left');
      await call(LINE, 'unlink', [[line]]);
      await shows(to, ({ lines }) => lines.length === 1, 'the BC without it');
    });

    it('may be a deletion: the BC is archived', async () => {
      const id = await create('POUSSÉ/4');
      await shows(id, () => true, 'the BC');
      await call(BC, 'unlink', [[id]]);
      await shows(
        id,
        ({ archivedAt, archiveReason }) => archivedAt !== null && archiveReason === 'gone',
        'the archiving',
      );
    });
  });
