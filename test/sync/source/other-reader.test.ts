import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRun } from '../../../src/db/runs/runs.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import { freshPrefix } from '../../support/redis.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { BC, modelChanges, storedSource, takingTurns, verify } from './source-setup.ts';

const ENGLISH = { ODOO_CONTEXT: '{"lang":"en_US"}' };

/** The sandbox's user of Passerelle. */
const USER = 2;

describe('a mirror that reads the same source with other settings', () => {
  let setup: TestSetup;
  const turn = takingTurns();
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 20 } });
    // A translated field: by the language of the context, else by that of the user.
    setup.odoo.setField(BC, 'payment_term', {
      type: 'char',
      string: 'Payment term',
      compute: (_row, store, { lang = store.table('res.users').rows.get(USER)?.['lang'] }) =>
        lang === 'en_US' ? '30 days' : 'à 30 jours',
    });
    await turn(setup);
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 20 });
    await setup.run('incremental');
  });
  afterAll(() => setup?.close());

  const terms = async () => {
    const rows = await setup.database.client`
      select fields->>'payment_term' as term, count(*)::int as n from scrap_dimagaz_bc group by 1`;
    return Object.fromEntries(rows.map(({ term, n }) => [term, n]));
  };

  it('reads everything once after ODOO_CONTEXT changed, and lists the change', async () => {
    const english = setup.also(ENGLISH);
    await turn(english);
    expect(await english.run('incremental')).toMatchObject({ mode: 'full', status: 'success', updated: 20 });
    expect(await terms()).toEqual({ '30 days': 20 });
    expect(await modelChanges(setup)).toEqual([
      {
        ...{ model: BC, field: '(reader)', kind: 'reader', reread: true },
        ...{ old: { context: {} }, new: { context: { lang: 'en_US' } } },
      },
    ]);
    for (const mode of ['incremental', 'sweep', 'incremental'] as const)
      expect(await english.run(mode), mode).toMatchObject({ mode, status: 'success', seen: 0 });
    expect(await verify(english)).toMatchObject({ ok: true, modelChanges: 0 });
    // Back again: the process that was there before notices too.
    await turn(setup);
    expect(await setup.run('incremental')).toMatchObject({ mode: 'full', updated: 20 });
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', seen: 0, rpcCalls: 5 });
    expect(await modelChanges(setup)).toHaveLength(2);
  });

  it('finds another language of its user with the next sweep', async () => {
    setup.odoo.write('res.users', [USER], { lang: 'en_US', company_ids: [[6, 0, [2, 1]]] });
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', seen: 0 });
    expect(await setup.run('sweep')).toMatchObject({ mode: 'sweep', status: 'success' });
    expect(await verify(setup)).toMatchObject({ modelChanges: 1 });
    expect(await setup.run('incremental')).toMatchObject({ mode: 'full', status: 'success', updated: 20 });
    expect(await terms()).toEqual({ '30 days': 20 });
    expect((await modelChanges(setup)).at(-1)).toMatchObject({
      old: { lang: 'fr_FR' },
      new: { lang: 'en_US' },
    });
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', seen: 0 });
  });

  it('takes neither another protocol nor a right that comes or goes for another reader', async () => {
    const before = await modelChanges(setup);
    const source = await storedSource(setup);
    for (const model of ['res.users', 'ir.config_parameter']) setup.odoo.faults.denyModel(model);
    expect(await setup.run('full')).toMatchObject({ status: 'success', unchanged: 20 });
    setup.odoo.faults.clear();
    for (const protocol of ['xmlrpc', 'jsonrpc', 'json2']) {
      const mirror = setup.also({ ODOO_PROTOCOL: protocol });
      await turn(mirror);
      expect(await mirror.run('incremental')).toMatchObject({ mode: 'incremental', protocol, seen: 0 });
      expect(await storedSource(setup)).toEqual(source);
    }
    expect(await modelChanges(setup)).toEqual(before);
  });

  it('fails a run whose pages a worker with another context takes', async () => {
    const queues = { QUEUE_PREFIX: freshPrefix() };
    const [planner, worker] = [setup.also(queues), setup.also({ ...queues, ODOO_CONTEXT: '{"tz":"UTC"}' })];
    await turn(null);
    const { db, definition } = planner.mirror;
    const run = await createRun(db, { key: definition.key, mode: 'full', trigger: 'cli' });
    await startRun(planner.mirror, run);
    await turn(worker);
    const refused = { status: 'failed', errorCode: 'reader_changed', seen: 0 };
    const ended = await planner.ended(run.id);
    expect(ended).toMatchObject(refused);
    expect(ended.errorMessage).toContain('other values of context');
  });
});
