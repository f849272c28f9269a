import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, errorOf, result, type Visit } from './tryton-ask.ts';

const MISSING = 2_000_000_000;

/** Raw: methods, their contexts, their errors and what a search makes of a domain. */
export function callsContract(visit: () => Visit): void {
  const options = () => ({ session: visit().session.token });
  const call = (method: string, ...params: unknown[]) =>
    result(visit().url, `model.${method}`, params, options());
  const failing = (method: string, ...params: unknown[]) =>
    errorOf(visit().url, `model.${method}`, params, options());
  /** What Python adds to an error of its own. */
  const trace = () => (visit().isOld ? expect.stringMatching(/^Traceback/) : '');

  describe('calls, raw', () => {
    it('of a method that is not offered get 403, and the session stays good', async () => {
      const { url } = visit();
      for (const method of ['model.party.party.nope', 'model.party.party.browse']) {
        const answer = await ask(url, method, [[], {}], options());
        expect([answer.status, answer.headers.get('content-type')]).toEqual([
          403,
          'text/html; charset=utf-8',
        ]);
      }
      expect(await call('party.party.search_count', [['id', '=', -1]], {})).toBe(0);
    });

    it('of an unknown model or service name it, in quotes', async () => {
      expect(await failing('nope.nope.read', [1], ['name'], {})).toEqual(["'nope.nope'", trace()]);
      const service = await errorOf(visit().url, 'nope.x', [], options());
      expect(service).toEqual(["'nope'", trace()]);
    });

    it('without a context are errors', async () => {
      const words = visit().isOld ? "'list' object has no attribute 'keys'" : 'Missing context argument';
      expect(await failing('party.party.read', [1], ['name'])).toEqual([words, trace()]);
    });

    it('name unknown fields in a read, a domain, an order or values', async () => {
      const attempts = [
        await failing('party.party.search', [['nope', '=', 1]], {}),
        await failing('party.party.search', [], 0, 1, [['nope', 'ASC']], {}),
        await failing('party.party.create', [{ nope: 1 }], {}),
      ];
      for (const error of attempts) expect(error).toEqual(["'nope'", trace()]);
    });

    it('of reads say how long they may be kept, if the server permits it', async () => {
      const { url, isOld } = visit();
      const life = async (method: string, params: unknown[]) =>
        (await ask(url, `model.party.party.${method}`, params, options())).headers.get('x-tryton-cache');
      expect(await life('fields_get', [['name'], {}])).toBe(isOld ? null : '86400');
      expect(await life('default_get', [['name'], {}])).toBe(isOld ? null : '300');
      expect(await life('search', [[], 0, 1, null, {}])).toBeNull();
    });

    it('are listed', async () => {
      const methods = await result(visit().url, 'system.listMethods', [], options());
      expect(methods).toEqual(
        expect.arrayContaining(['model.party.party.search_read', 'model.ir.attachment.create']),
      );
    });
  });

  describe("Tryton's own errors, raw", () => {
    const words = (modern: string, old: string) =>
      visit().isOld ? ['UserError', [old, '']] : ['UserError', [modern, '', null]];

    it('for records that are not there', async () => {
      const anymore = visit().series === '6.0' ? ' anymore' : '';
      expect(await failing('party.party.read', [MISSING], ['name'], {})).toEqual(
        words(
          `You are trying to read records "${MISSING}" of "Party" that don't exist${anymore}.`,
          "You try to read records that don't exist anymore.\n(Document type: party.party)",
        ),
      );
      expect(await failing('party.party.write', [MISSING], { name: 'x' }, {})).toEqual(
        words(
          `You are trying to write to records "${MISSING}" of "Party" that don't exist${anymore}.`,
          "You try to write on records that don't exist anymore.\n(Document type: party.party)",
        ),
      );
      expect(await call('party.party.delete', [MISSING], {})).toBeNull();
    });

    it('for values that are missing, unknown or not to be chosen', async () => {
      expect(await failing('party.address.create', [{ street: 'x' }], {})).toEqual(
        words(
          'A value is required for field "Party" in "Address".',
          'The field "Party" on "Address" is required.',
        ),
      );
      expect(await failing('party.address.create', [{ party: MISSING }], {})).toEqual(
        words(
          `The value "${MISSING}" for field "Party" in "Address" does not exist.`,
          `The value "${MISSING}" of field "Party" on "Address" doesn't exist.`,
        ),
      );
    });
  });

  describe('searches, raw', () => {
    let ids: number[] = [];
    beforeAll(async () => {
      const names = ['Contrat Élan', 'Contrat Bœuf', 'Contrat Çà & là'];
      const created = await call(
        'party.party.create',
        names.map((name) => ({ name })),
        {},
      );
      ids = Array.isArray(created) ? created.map(Number) : [];
      await call('party.address.create', [{ party: ids[1], city: 'Mâcon' }], {});
    });
    afterAll(async () => {
      await call('party.party.delete', ids, {});
    });
    const mine = () => ['id', 'in', ids] as const;
    const found = (...parts: unknown[]) =>
      call('party.party.search', [mine(), ...parts], 0, null, [['id', 'ASC']], {});

    it('know the usual operators, nested as deep as one likes', async () => {
      const [first, second, third] = ids;
      expect(await found(['name', '=', 'Contrat Bœuf'])).toEqual([second]);
      expect(await found(['name', '!=', 'Contrat Bœuf'])).toEqual([first, third]);
      expect(await found(['name', 'ilike', '%ÉLAN'])).toEqual([first]);
      expect(await found(['name', 'like', '%élan'])).toEqual([]);
      expect(await found(['name', 'not in', ['Contrat Bœuf', 'Contrat Élan']])).toEqual([third]);
      expect(await found(['id', '>', first], ['id', '<', third])).toEqual([second]);
      expect(
        await found([
          'OR',
          ['id', '=', first],
          [
            ['id', '=', third],
            ['name', 'like', '%&%'],
          ],
        ]),
      ).toEqual([first, third]);
      const unsorted = [
        ['sequence', '=', null],
        ['party', 'in', ids],
      ];
      expect(await call('party.address.search', unsorted, {})).toHaveLength(1);
    });

    it('look through relations', async () => {
      expect(await found(['addresses.city', '=', 'Mâcon'])).toEqual([ids[1]]);
      expect(
        await call(
          'party.address.search',
          [
            ['party.name', '=', 'Contrat Bœuf'],
            ['party', 'in', ids],
          ],
          {},
        ),
      ).toHaveLength(1);
    });

    it('are sorted, cut and counted', async () => {
      const [first, second, third] = ids;
      const search = (offset: number, limit: number | null, order: unknown) =>
        call('party.party.search', [mine()], offset, limit, order, {});
      expect(await search(0, null, [['id', 'DESC']])).toEqual([third, second, first]);
      expect(await search(1, 1, [['id', 'ASC']])).toEqual([second]);
      expect(await search(0, null, [['name', 'ASC']])).toEqual([second, third, first]);
      expect(await call('party.party.search_count', [mine()], {})).toBe(3);
    });

    it('leave out inactive records, unless they are asked for', async () => {
      const [first, second, third] = ids;
      await call('party.party.write', [third], { active: false }, {});
      expect(await found()).toEqual([first, second]);
      expect(
        await call('party.party.search', [mine()], 0, null, [['id', 'ASC']], { active_test: false }),
      ).toEqual(ids);
      expect(await found(['active', '=', false])).toEqual([third]);
      await call('party.party.write', [third], { active: true }, {});
    });

    it('may read the records that they find, dotted names included, each version in its own shape', async () => {
      const domain = [['party', '=', ids[1]]];
      const names = ['city', 'party', 'party.name'];
      const [row] = Object(await call('party.address.search_read', domain, 0, null, null, names, {}));
      const dotted = visit().isOld
        ? { 'party.name': 'Contrat Bœuf' }
        : { 'party.': { id: ids[1], name: 'Contrat Bœuf' } };
      expect(row).toEqual({ id: expect.any(Number), city: 'Mâcon', party: ids[1], ...dotted });
    });
  });
}
