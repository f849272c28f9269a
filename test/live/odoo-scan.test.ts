import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { call, missing, openLiveSetup, PROTOCOLS } from './odoo-setup.ts';

/** 20 MB that do not repeat themselves, the same in every run. */
function scan(): string {
  const blocks = Array.from({ length: 327_680 }, (_, number) =>
    createHash('sha512').update(`${number}`).digest(),
  );
  return Buffer.concat(blocks).toString('base64');
}

const lacking = missing('ODOO_SQL_URL');
const title = 'a scan of 20 MB, in a real server';

if (lacking !== null)
  describe(title, () => {
    it.skip(`needs ${lacking}`);
  });
else
  describe(title, () => {
    it('is stored whole by each protocol, and not fetched again', async () => {
      const { sql, close } = await openLiveSetup();
      const [first] = await sql`select min(id) as id from dimagaz_bc`;
      const id = Number(first?.['id']);
      const [before] = Object(await call('dimagaz.bc', 'read', [[id]], { fields: ['scan'] }));
      const content = scan();
      await call('dimagaz.bc', 'write', [[id], { scan: content }]);
      // A content is believed a minute after its record was written.
      await sql`update dimagaz_bc set write_date = write_date - interval '10 minutes' where id = ${id}`;
      try {
        for (const protocol of PROTOCOLS) {
          // A database for each: a late job of the one before cannot write here.
          const setup = await openLiveSetup();
          try {
            const { client } = setup.database;
            const testMirror = setup.open({}, protocol);
            await testMirror.work();
            const [fetched, again] = [
              await testMirror.run('single', [id]),
              await testMirror.run('single', [id]),
            ];
            expect(fetched, protocol).toMatchObject({ status: 'success', created: 1, unchanged: 0 });
            expect(again, protocol).toMatchObject({ status: 'success', created: 0, unchanged: 1 });
            expect(again.rpcCalls, protocol).toBeLessThan(fetched.rpcCalls);
            const [row] = await client`select fields->>'scan' = ${content} as whole from scrap_dimagaz_bc`;
            expect(row, protocol).toEqual({ whole: true });
          } finally {
            await setup.close();
          }
        }
      } finally {
        await call('dimagaz.bc', 'write', [[id], { scan: before.scan }]);
        await close();
      }
    });
  });
