import { describe, expect, it } from 'vitest';
import { clientAndServer, thrownBy } from '../client/clients.ts';
import { failure, keyOf, result } from '../client/scripted-server.ts';

const SEARCH = 'model.party.party.search';
const CREATE = 'model.party.party.create';
const LOGIN = 'common.db.login';
const PREFERENCES = 'model.res.user.get_preferences';

/** The words of servers about a session that is deleted while they read it. */
const WORDS = [
  'You are trying to read records "67" of "Session" that don\'t exist anymore.',
  'Vous essayez de lire les enregistrements « 67 » de « Session » qui n’existent plus.',
  'No puede leer el registro "67" de "Sesión" que ya no existe.',
  "You try to read records that don't exist anymore.\n(Document type: ir.session)",
];

describe('a session deleted while a call is on its way', () => {
  const lose = (words: string) =>
    clientAndServer((request) =>
      keyOf(request) === 'key-1' ? failure(request, 'UserError', [words, '', null]) : result(request, [1]),
    );

  it.each(WORDS)('is renewed once for a read: %s', async (words) => {
    const { server, client } = await lose(words);
    expect(await client.call(SEARCH, [[]])).toEqual([1]);
    expect(server.methods()).toEqual([LOGIN, SEARCH, PREFERENCES, LOGIN, SEARCH]);
  });

  it('leaves the fate of a write unknown: it is not sent again', async () => {
    const { server, client } = await lose(WORDS[0] ?? '');
    const error = await thrownBy(client.call(CREATE, [[{}]]));
    expect(error).toMatchObject({ code: 'tryton_unknown_fate' });
    expect(error.message).toContain('its session was deleted meanwhile');
    expect(server.methods()).toEqual([LOGIN, CREATE, PREFERENCES]);
  });

  it.each([SEARCH, CREATE])(
    'does not concern a record with such a name: %s gives the reason',
    async (method) => {
      const words = 'The fr_siren "Session" for party "67" is not valid.';
      const { server, client } = await clientAndServer((request) =>
        request.method === PREFERENCES
          ? result(request, {})
          : failure(request, 'UserError', [words, '', null]),
      );
      for (let times = 0; times < 3; times += 1)
        expect(await thrownBy(client.call(method, [[]]))).toMatchObject({ code: 'tryton_user_error' });
      expect(server.methods().filter((asked) => asked === LOGIN)).toHaveLength(1);
      expect(await client.circuit()).toBeNull();
    },
  );

  it('is not meant by errors about other records, nor by calls of a model of sessions', async () => {
    const other = await lose('You are trying to read records "67" of "Party" that don\'t exist anymore.');
    expect(await thrownBy(other.client.call(SEARCH, [[]]))).toMatchObject({ code: 'tryton_user_error' });
    const own = await lose(WORDS[0] ?? '');
    const call = own.client.call('model.cash.session.read', [[67]]);
    expect(await thrownBy(call)).toMatchObject({ code: 'tryton_user_error' });
  });
});
