import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DateOnly, DateTime, Decimal } from '../../src/tryton/index.ts';
import { ask, result, type Visit } from './tryton-ask.ts';
import { idsIn, openTryton } from './tryton-client.ts';

/** Values on the wire and through the client: none may lose a digit. */
export function valuesContract(visit: () => Visit): void {
  describe('values', () => {
    const raw = (method: string, ...params: unknown[]) =>
      result(visit().url, `model.${method}`, params, { session: visit().session.token });
    let currency = 0;
    let party = 0;
    beforeAll(async () => {
      const rounding = { __class__: 'Decimal', decimal: '0.01' };
      const values = { name: 'Passerelle', code: 'PSL', symbol: 'P', rounding, digits: 2 };
      [currency = 0] = idsIn(await raw('currency.currency.create', [values], {}));
      [party = 0] = idsIn(await raw('party.party.create', [{ name: 'Pièces jointes' }], {}));
    });
    afterAll(async () => {
      await raw('currency.currency.delete', [currency], {});
      await raw('party.party.delete', [party], {});
    });

    it('travel tagged: decimals as text, moments with their microseconds, text in ASCII', async () => {
      const { url, session } = visit();
      const names = ['rounding', 'create_date', 'name'];
      const { text } = await ask(url, 'model.currency.currency.read', [[currency], names, {}], {
        session: session.token,
      });
      expect(text).toContain('"rounding":{"__class__":"Decimal","decimal":"0.01"}');
      expect(text).toMatch(/"create_date":\{"__class__":"datetime","year":\d{4},.*"microsecond":\d+\}/);
      const party_ = await ask(url, 'model.party.party.read', [[party], ['name'], {}], {
        session: session.token,
      });
      expect(party_.text).toContain(String.raw`Pi\u00e8ces jointes`);
    });

    it('are returned as they were sent: a rate and its date', async () => {
      const { client } = openTryton(visit());
      const rate = new Decimal('1234.567890');
      const day = new DateOnly(2026, 2, 28);
      const [id = 0] = idsIn(
        await client.call('model.currency.currency.rate.create', [[{ currency, date: day, rate }]]),
      );
      const [row] = Object(
        await client.call('model.currency.currency.rate.read', [[id], ['rate', 'date', 'create_date']]),
      );
      expect([row.rate, row.date]).toEqual([rate, day]);
      expect(row.create_date).toBeInstanceOf(DateTime);
      const domain = [
        ['create_date', '=', row.create_date],
        ['rate', '=', rate],
        ['date', '=', day],
        ['currency', '=', currency],
      ];
      expect(await client.call('model.currency.currency.rate.search', [domain])).toEqual([id]);
      const { microsecond, ...rest } = row.create_date;
      const other = { __class__: 'datetime', ...rest, microsecond: (microsecond + 1) % 1_000_000 };
      const near = [
        ['create_date', '=', other],
        ['id', '=', id],
      ];
      expect(await client.call('model.currency.currency.rate.search', [near])).toEqual([]);
      await client.call('model.currency.currency.rate.delete', [[id]]);
    });

    it('with more digits than a field has are refused, not rounded', async () => {
      const { client } = openTryton(visit());
      const values = { currency, date: new DateOnly(2026, 3, 1), rate: new Decimal('1.1234567890123456789') };
      const call = client.call('model.currency.currency.rate.create', [[values]]);
      await expect(call).rejects.toMatchObject({ code: 'tryton_user_error' });
      await expect(call).rejects.toThrow('1.1234567890123456789');
    });

    it('of bytes are returned byte by byte, though the server breaks them into lines', async () => {
      const { client } = openTryton(visit());
      const content = Uint8Array.from({ length: 1000 }, (_, at) => (at * 7) % 256);
      const values = { name: 'relevé.bin', type: 'data', resource: `party.party,${party}`, data: content };
      const [id = 0] = idsIn(await client.call('model.ir.attachment.create', [[values]]));
      const [row] = Object(
        await client.call('model.ir.attachment.read', [[id], ['data', 'name', 'resource']]),
      );
      expect(Buffer.from(row.data).equals(Buffer.from(content))).toBe(true);
      expect(row).toMatchObject({ name: 'relevé.bin', resource: `party.party,${party}` });
      const { session, url } = visit();
      const { text } = await ask(url, 'model.ir.attachment.read', [[id], ['data'], {}], {
        session: session.token,
      });
      expect(text).toMatch(/"base64":"[A-Za-z0-9+/]{76}\\n/);
      const size = { 'ir.attachment.data': 'size' };
      expect(await client.call('model.ir.attachment.read', [[id], ['data'], size])).toEqual([
        { id, data: 1000 },
      ]);
      await client.call('model.ir.attachment.delete', [[id]]);
    });

    it('of PYSON stay text, tags and all', async () => {
      const { client } = openTryton(visit());
      const fields = Object(await client.call('model.party.party.fields_get', [['name']]));
      expect(fields.name).toMatchObject({ name: 'name', type: 'char', string: 'Name' });
      expect(fields.name.states).toMatch(/^\{"readonly": \{"__class__": /);
    });
  });
}
