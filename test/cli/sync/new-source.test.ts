import { expect, test } from 'vitest';
import { openTestSetup } from '../../support/test-setup.ts';
import { otherOdoo, settingsOf } from '../../sync/source/source-setup.ts';
import { commandIn } from '../passerelle.ts';

test('another source is refused with exit code 1, until --new-source accepts it', async () => {
  const setup = await openTestSetup({ sandbox: { documents: 12 } });
  const other = await otherOdoo({ documents: 5, db: 'staging' });
  const before = commandIn(setup.env);
  const command = commandIn({ ...setup.env, ...settingsOf(other) });
  expect(await before.json('sync')).toMatchObject({ code: 0, body: { created: 12 } });
  const refused = await command.json('sync');
  expect(refused).toMatchObject({ code: 1, body: { status: 'failed', error: { code: 'source_changed' } } });
  expect(refused.stderr).toMatch(
    /^Run \d+ failed\. .*ODOO_DB is staging, the mirror has sandbox\. .*--new-source.*\n$/,
  );
  const resync = await command.json('resync', '1');
  expect(resync.code).toBe(1);
  expect((await command.passerelle('status')).stdout).toMatch(
    /^Source {5}dimagaz\.bc with dimagaz\.bc\.line, database sandbox\n/,
  );
  const moved = await command.json('sync', '--new-source');
  expect(moved).toMatchObject({ code: 0, body: { mode: 'sweep', status: 'success', archived: 7, late: 0 } });
  const status = await command.json('status');
  expect(status.body.source).toMatchObject({ model: 'dimagaz.bc', database: 'staging', unfinishedRun: null });
  expect(await command.json('verify')).toMatchObject({ code: 0, body: { ok: true, headers: 5 } });
  expect((await before.json('sync')).code).toBe(1);
  await setup.close();
  await other.stop();
});
