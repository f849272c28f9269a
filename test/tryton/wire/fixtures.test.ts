import { describe, expect, it } from 'vitest';
import { TrytonUnreachableError, TrytonUserError } from '../../../src/tryton/errors.ts';
import type { Fixtures } from '../../../src/tryton/testing.ts';
import { Decimal } from '../../../src/tryton/wire/values.ts';
import { clientOf, thrownBy } from '../client/clients.ts';

const SEARCH = 'model.party.party.search';
const READ = 'model.party.party.read';

/** Nothing could be reached there. */
const clientWith = (testing: Fixtures) => clientOf('http://tryton.invalid/tryton/', { testing });

describe('a client with fixtures', () => {
  it('answers from values and functions, and reports its calls', async () => {
    const { client, outcomes } = clientWith({
      [SEARCH]: [1, 2],
      [READ]: async ([ids, fields, context]) => [{ ids, fields, context }],
    });
    expect(await client.call('model', 'party.party.search', [[]])).toEqual([1, 2]);
    const rows = await client.call(READ, [[1], ['name'], { company: 3 }]);
    expect(rows).toEqual([{ ids: [1], fields: ['name'], context: { company: 3 } }]);
    expect(outcomes.map(({ method }) => method)).toEqual([SEARCH, READ]);
  });

  it('sends values through the real codec', async () => {
    const seen: unknown[] = [];
    const { client } = clientWith({
      [READ]: (params) => {
        seen.push(params[0]);
        return new Decimal('1.10');
      },
    });
    expect(await client.call(READ, [new Decimal('2.20')])).toEqual(new Decimal('1.10'));
    expect(await client.callWire(READ, [])).toEqual({ __class__: 'Decimal', decimal: '1.10' });
    expect(seen[0]).toEqual(new Decimal('2.20'));
  });

  it('names a method without fixture, and how to add one', async () => {
    const { client } = clientWith({});
    const error = await thrownBy(client.call('model.sale.sale.confirm', [[1]]));
    expect(error).toMatchObject({ code: 'tryton_bad_request' });
    expect(error.message).toContain('testing: { "model.sale.sale.confirm":');
  });

  it.each([
    ['as the value', (error: Error) => error],
    ['from a function', (error: Error) => () => error],
    [
      'by a function',
      (error: Error) => () => {
        throw error;
      },
    ],
  ])('throws an error given %s', async (_, fixture) => {
    const error = new TrytonUserError({ server: 'testing', method: READ }, 'Not so.', '');
    const { client, outcomes } = clientWith({ [READ]: fixture(error) });
    expect(await thrownBy(client.call(READ, [[1], []]))).toBe(error);
    expect(outcomes).toMatchObject([{ method: READ, error }]);
  });

  it('takes an error for final, also one that is tried again otherwise', async () => {
    let asked = 0;
    const { client } = clientWith({
      [READ]: () => {
        asked++;
        return new TrytonUnreachableError({ server: 'testing', method: READ }, 'ECONNREFUSED');
      },
    });
    expect(await thrownBy(client.call(READ, [[1], []]))).toMatchObject({ code: 'tryton_unreachable' });
    expect(asked).toBe(1);
  });

  it('signs in and out, and pings, without a server', async () => {
    const { client } = clientWith({
      'common.server.version': '7.0.0',
      'model.res.user.get_preferences': { language: 'en' },
    });
    expect(await client.ping()).toMatchObject({ authenticated: true, version: '7.0.0', error: null });
    await client.login();
    await client.logout();
  });
});
