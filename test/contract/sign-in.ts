import { describe, expect, it, onTestFinished } from 'vitest';
import type { OdooClientOptions } from '../../src/odoo/client.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import { BC, failure, openClient } from './client.ts';

export function signInContract(options: () => OdooClientOptions): void {
  describe('signing in', () => {
    const client = openClient(options);
    const other = (change: Partial<OdooClientOptions>) => {
      const opened = createOdooClient({ ...options(), ...change });
      onTestFinished(() => opened.close());
      return opened;
    };

    it('gives protocol, version and uid', async () => {
      const server = await client().connect();
      expect(server).toMatchObject({
        protocol: options().protocol,
        version: expect.stringMatching(/\d+\.\d+/),
      });
      expect(server.uid).toBeGreaterThan(0);
    });

    it('refuses a wrong password or key after one try', async () => {
      const wrong = other({ password: 'certainly-not-the-password' });
      const error = await failure(wrong.connect());
      expect(error).toMatchObject({ name: 'OdooAuthError', code: 'odoo_bad_credentials' });
      expect(error.message).not.toMatch(/Traceback|File "|certainly-not/);
      expect(wrong.calls).toBe(2);
    });

    it('names an unknown database', async () => {
      const error = await failure(other({ db: 'no_such_database' }).connect());
      expect(error).toMatchObject({ name: 'OdooDatabaseError', code: 'odoo_unknown_database' });
      expect(error.message).toContain('no_such_database');
      expect(error.message).not.toMatch(/Traceback|File "/);
    });

    it('accepts a trailing slash', async () => {
      const { url } = options();
      const slashed = other({ url: `${url.replace(/\/$/, '')}/` });
      expect(await slashed.searchCount(BC, [])).toBeGreaterThan(0);
    });

    it('gives the server clock in whole seconds', async () => {
      const clock = await client().clock();
      expect(clock.getTime() % 1000).toBe(0);
      expect(clock.getTime()).toBeGreaterThan(Date.parse('2024-01-01'));
    });
  });

  describe('errors', () => {
    const client = openClient(options);

    it.each(['fields_get', 'search'])('of %s name an unknown model', async (method) => {
      const call =
        method === 'search' ? client().search('no.such.model', []) : client().fieldsGet('no.such.model');
      const error = await failure(call);
      expect(error).toMatchObject({ name: 'OdooModelError', code: 'odoo_unknown_model' });
      expect(error.message).toContain('no.such.model');
    });

    it('name an unknown field, in a read, a domain or an order', async () => {
      const [id = 0] = await client().search(BC, [], { limit: 1 });
      const failures = [
        await failure(client().read(BC, [id], { fields: ['name', 'no_such_field'] })),
        await failure(client().search(BC, [['no_such_field', '=', 1]])),
        await failure(client().search(BC, [], { order: 'no_such_field desc' })),
        await failure(client().searchRead(BC, [], { fields: ['no_such_field'], limit: 1 })),
      ];
      for (const error of failures) {
        expect(error).toMatchObject({ name: 'OdooFieldError', code: 'odoo_unknown_field' });
        expect(error.message).toContain('no_such_field');
        expect(error.message).not.toMatch(/Traceback|File "/);
      }
    });

    it("keep Odoo's own words for the rest, without a traceback", async () => {
      const error = await failure(client().search(BC, [['write_date', '>=', 'no date']]));
      expect(error).toMatchObject({ name: 'OdooApplicationError', code: 'odoo_application_error' });
      expect(error.message).toContain('no date');
      expect(error.message).not.toMatch(/Traceback|File "/);
    });
  });
}
