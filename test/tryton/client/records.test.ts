import { describe, expect, it } from 'vitest';
import { clientAndServer, thrownBy } from './clients.ts';
import { hangUp, result } from './scripted-server.ts';

const session = { userId: 7, key: 'given' };
const context = { company: 1 };

describe('a helper for records', () => {
  it('sends the parameters in the order of Tryton', async () => {
    const { server, client } = await clientAndServer((request) => result(request, []), { session, context });
    const own = { context: { language: 'fr' } };
    const merged = { company: 1, language: 'fr' };
    await client.searchRead('party.party');
    await client.searchRead('party.party', [['id', '>', 1]], {
      fields: ['name'],
      offset: 2,
      limit: 3,
      order: [['name', 'DESC']],
      ...own,
    });
    await client.read('party.party', [1], { fields: ['id', 'name'] });
    await client.create('party.party', [{ name: 'x' }], own);
    await client.write('party.party', [1], { name: 'y' });
    await client.write('party.party', [1], { name: 'y' }, own);
    await client.delete('party.party', [1], own);
    expect(server.received.map(({ method, params }) => [method.split('.').at(-1), ...params])).toEqual([
      ['search_read', [], 0, null, null, ['id'], context],
      ['search_read', [['id', '>', 1]], 2, 3, [['name', 'DESC']], ['id', 'name'], merged],
      ['read', [1], ['id', 'name'], context],
      ['create', [{ name: 'x' }], merged],
      ['write', [1], { name: 'y' }, context],
      ['write', [1], { name: 'y' }, merged],
      ['delete', [1], merged],
    ]);
  });

  it('repeats a read without an answer, but sends a write once', async () => {
    const { server, client } = await clientAndServer(
      (request, response, count) => (count === 2 ? result(request, []) : hangUp(response)),
      { session },
    );
    expect(await client.searchRead('party.party')).toEqual([]);
    server.received.length = 0;
    const writes = [
      () => client.create('party.party', [{ name: 'x' }]),
      () => client.write('party.party', [1], { name: 'y' }),
      () => client.delete('party.party', [1]),
    ];
    for (const write of writes)
      expect(await thrownBy(write())).toMatchObject({ code: 'tryton_unknown_fate' });
    expect(server.methods().map((method) => method.split('.').at(-1))).toEqual(['create', 'write', 'delete']);
  });

  it('is cancelled by its signal', async () => {
    const { client } = await clientAndServer((request) => result(request, []), { session });
    const signal = AbortSignal.abort(new Error('cancelled'));
    expect(await thrownBy(client.read('party.party', [1], { signal }))).toMatchObject({
      message: 'cancelled',
    });
  });
});

describe('pages', () => {
  const rows = (...ids: number[]) => ids.map((id) => ({ id }));

  it('start after the last id of the page before, until one is not full', async () => {
    const answers = [rows(3, 5), rows(8, 9), rows(11)];
    const { server, client } = await clientAndServer((request) => result(request, answers.shift()), {
      session,
    });
    const pages: object[] = [];
    for await (const page of client.pages('party.party', ['OR', ['active', '=', false], ['id', '>', 0]], {
      size: 2,
    }))
      pages.push(page);
    expect(pages).toEqual([rows(3, 5), rows(8, 9), rows(11)]);
    const domain = ['OR', ['active', '=', false], ['id', '>', 0]];
    const rest = (after: number) => [domain, ['id', '>', after], ['active', 'in', [true, false]]];
    expect(server.received.map(({ params }) => params.slice(0, 4))).toEqual(
      [domain, rest(5), rest(9)].map((sent) => [sent, 0, 2, [['id', 'ASC']]]),
    );
  });

  it('end without an empty page', async () => {
    const answers = [rows(1), []];
    const { client } = await clientAndServer((request) => result(request, answers.shift()), { session });
    const pages: object[] = [];
    for await (const page of client.pages('party.party', [], { size: 1 })) pages.push(page);
    expect(pages).toEqual([rows(1)]);
  });

  it.each([0, -1, 1.5, Number.NaN])('have no size of %s', async (size) => {
    const { client, server } = await clientAndServer((request) => result(request, []), { session });
    const first = client.pages('party.party', [], { size }).next();
    expect(await thrownBy(first)).toMatchObject({ code: 'tryton_bad_request' });
    expect(server.received).toEqual([]);
  });
});
