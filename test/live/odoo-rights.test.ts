import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LiveOffice } from './odoo-stage.ts';
import { call, missing, openLiveOffice } from './odoo-stage.ts';

const lacking = missing('ODOO_SQL_URL');
const title = 'an account that loses its rights, on a real server';

const LOGIN = 'passerelle_trial';
const PASSWORD = 'Vq7-tLm9.xZr2';
const BC = 'dimagaz.bc';

/** Undoes what a test took away, last first. */
const undo: (() => Promise<unknown>)[] = [];

if (lacking !== null)
  describe(title, () => {
    it.skip(`needs ${lacking}`);
  });
else
  describe(title, () => {
    let office: LiveOffice;
    let desk: ReturnType<LiveOffice['open']>;
    let user: number;
    beforeAll(async () => {
      user = await ownUser();
      office = await openLiveOffice();
      desk = office.open({ ODOO_USER: LOGIN, ODOO_PASSWORD: PASSWORD });
      await desk.work();
      expect(await desk.run('full')).toMatchObject({ status: 'success', failed: 0 });
    });
    const giveBack = async () => {
      for (const step of undo.splice(0).reverse()) await step();
    };
    afterEach(giveBack);
    afterAll(async () => {
      await call('res.users', 'write', [[user], { active: false }]);
      await office?.close();
    });

    /** What the mirror shows: BCs, lines, and how many entries the audit trail has. */
    const shown = async () => {
      const [row] = await office.database.client`select
        (select count(*)::int from scrap_dimagaz_bc where archived_at is null) as bcs,
        (select count(*)::int from scrap_dimagaz_bc_line where archived_at is null) as lines,
        (select count(*)::int from audit_log) as audited`;
      return { bcs: Number(row?.['bcs']), lines: Number(row?.['lines']), audited: Number(row?.['audited']) };
    };

    const half = async () => {
      const [row] = await office.sql`
        select percentile_disc(0.5) within group (order by id) as middle from dimagaz_bc`;
      return `[('id', '<=', ${Number(row?.['middle'])})]`;
    };

    it.each([
      ['half of the BCs', half],
      ['every BC', async () => "[(0, '=', 1)]"],
    ])(
      'archives nothing when a rule hides %s, says so, and is clean once it is gone',
      async (_what, rule) => {
        const before = await shown();
        await showOnly(await rule());
        const sweep = await desk.run('sweep');
        expect(sweep).toMatchObject({
          status: 'partial',
          errorCode: 'sweep_breaker',
          archived: 0,
          failed: 0,
        });
        expect(sweep.gone).toBeGreaterThanOrEqual(Math.floor(before.bcs / 2));
        expect(sweep.errorMessage).toContain(`${sweep.gone} of ${before.bcs} BCs`);
        expect(await shown()).toEqual(before);
        await giveBack();
        expect(await desk.run('sweep')).toMatchObject({ status: 'success', seen: 0, archived: 0 });
        expect(await shown()).toEqual(before);
        expect(await office.verify(desk)).toMatchObject({ ok: true });
      },
    );

    it.each([
      ['is no longer an employee', 'odoo_access_denied', { groups: 'base.group_portal' }],
      ['has another password', 'odoo_bad_credentials', { password: 'Zk4-pRw8.dHb1' }],
      ['is locked', 'odoo_bad_credentials', { active: false }],
    ])(
      'fails as a whole when its user %s, archives nothing, and goes on when that is undone',
      async (_what, code, taken) => {
        const before = await shown();
        await change(user, taken);
        for (const mode of ['sweep', 'incremental'] as const) {
          expect(await desk.run(mode), mode).toMatchObject({
            status: 'failed',
            errorCode: code,
            archived: 0,
          });
        }
        expect(await shown()).toEqual(before);
        await giveBack();
        expect(await desk.run('sweep')).toMatchObject({ status: 'success', seen: 0 });
      },
    );
  });

/** A user that the rules hold for, with the rights of an employee. */
async function ownUser(): Promise<number> {
  const domain = [
    ['login', '=', LOGIN],
    ['active', 'in', [true, false]],
  ];
  const [known] = Object(await call('res.users', 'search', [domain]));
  const values = {
    name: LOGIN,
    login: LOGIN,
    password: PASSWORD,
    active: true,
    ...(await member('base.group_user')),
  };
  if (known === undefined) {
    const context = { no_reset_password: true };
    return Number(await call('res.users', 'create', [values], { context }));
  }
  await call('res.users', 'write', [[known], values]);
  return Number(known);
}

/** The one group of a user. The field was renamed in 19. */
async function member(group: string): Promise<object> {
  const [module, name] = group.split('.');
  const domain = [
    ['module', '=', module],
    ['name', '=', name],
  ];
  const [found] = Object(await call('ir.model.data', 'search_read', [domain], { fields: ['res_id'] }));
  const fields = Object(await call('res.users', 'fields_get', [], { attributes: ['type'] }));
  return { [fields.group_ids === undefined ? 'groups_id' : 'group_ids']: [[6, 0, [found.res_id]]] };
}

async function change(
  user: number,
  taken: { groups?: string; password?: string; active?: boolean },
): Promise<void> {
  const { groups, ...values } = taken;
  const write = async (next: object) => call('res.users', 'write', [[user], next]);
  undo.push(async () => write({ password: PASSWORD, active: true, ...(await member('base.group_user')) }));
  await write(groups === undefined ? values : await member(groups));
}

/** A record rule that shows only `domain`, to everybody but the superuser. */
async function showOnly(domain: string): Promise<void> {
  const [model] = Object(await call('ir.model', 'search', [[['model', '=', BC]]]));
  const rule = await call('ir.rule', 'create', [
    { name: 'trial of Passerelle', model_id: model, domain_force: domain },
  ]);
  undo.push(() => call('ir.rule', 'unlink', [[rule]]));
}
