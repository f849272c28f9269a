import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Domain, TrytonClient } from '../../src/tryton/index.ts';
import type { Visit } from './tryton-ask.ts';

const PARTY = 'party.party';

interface Named {
  readonly name: string;
}

/** The client's helpers for records, on the same server. */
export function recordsContract(visit: () => Visit): void {
  describe('the helpers for records', () => {
    let client: TrytonClient;
    let ids: number[] = [];
    const own = (): Domain => ['id', 'in', ids];
    const fields = ['name'];
    beforeAll(async () => {
      const { url, user, password } = visit();
      client = new TrytonClient({ url, user, password });
      ids = await client.create(PARTY, [
        { name: 'Aide C' },
        { name: 'Aide A' },
        { name: 'Aide B', active: false },
        { name: 'Aide D' },
      ]);
    });
    afterAll(async () => {
      await client.delete(PARTY, ids);
      await client.logout();
      await client.close();
    });

    it('search and read in one call, with order, offset and limit', async () => {
      const all = await client.searchRead<Named>(PARTY, [own()], { fields, order: [['name', 'DESC']] });
      expect(all.map(({ name }) => name)).toEqual(['Aide D', 'Aide C', 'Aide A']);
      expect(Object.keys(all[0] ?? {}).sort()).toEqual(['id', 'name']);
      const options = { fields, order: [['name', 'ASC NULLS LAST']], offset: 1, limit: 1 } as const;
      const [second, ...rest] = await client.searchRead<Named>(PARTY, [own()], options);
      expect([second, rest]).toEqual([{ id: ids[0], name: 'Aide C' }, []]);
    });

    it('read only the id if no field is named', async () => {
      const [first = 0] = ids;
      expect(await client.searchRead(PARTY, [['id', '=', first]])).toEqual([{ id: first }]);
      expect(await client.read(PARTY, [first])).toEqual([{ id: first }]);
    });

    it('read in the order of the ids', async () => {
      const backwards = [...ids].reverse();
      const rows = await client.read<Named>(PARTY, backwards, { fields });
      expect(rows.map(({ id }) => id)).toEqual(backwards);
      expect(rows[1]).toEqual({ id: ids[2], name: 'Aide B' });
    });

    it('merge the context of a call', async () => {
      const context = { active_test: false };
      expect(await client.searchRead(PARTY, [own()], { context })).toHaveLength(4);
      expect(await client.searchRead(PARTY, [own()])).toHaveLength(3);
    });

    it('create, write and delete', async () => {
      const created = await client.create(PARTY, [{ name: 'Un' }, { name: 'Deux' }]);
      await client.write(PARTY, created, { name: 'Trois' }, { context: { language: 'en' } });
      const rows = await client.read<Named>(PARTY, created, { fields });
      expect(rows).toEqual(created.map((id) => ({ id, name: 'Trois' })));
      await client.delete(PARTY, created);
      expect(await client.searchRead(PARTY, [['id', 'in', created]])).toEqual([]);
    });

    it('give each record of all pages once, whatever is created and deleted meanwhile', async () => {
      const batch = await client.create(
        PARTY,
        Array.from({ length: 7 }, (_, at) => ({ name: `Page ${at}` })),
      );
      const [first = 0] = batch;
      const pages: number[][] = [];
      let late: number[] = [];
      for await (const page of client.pages(PARTY, [['id', '>=', first]], { size: 3 })) {
        pages.push(page.map(({ id }) => id));
        if (pages.length > 1) continue;
        await client.delete(PARTY, batch.slice(0, 2));
        late = await client.create(PARTY, [{ name: 'Page tardive' }]);
      }
      expect(pages).toEqual([batch.slice(0, 3), batch.slice(3, 6), [...batch.slice(6), ...late]]);
      await client.delete(PARTY, [...batch.slice(2), ...late]);
    });

    it.each<[string, (own: Domain) => Domain]>([
      ['a list', (one) => [one]],
      ['a list with active', (one) => [one, ['active', 'in', [true, false]]]],
      ['an OR', (one) => ['OR', one, ['id', '=', 0]]],
      ['an OR with active', (one) => ['OR', one, ['active', '=', null]]],
      ['an OR with active in an inner level', (one) => ['OR', one, [one, ['active', '=', false]]]],
    ])('give the same records in pages as in one search: %s', async (_, domainOf) => {
      const domain = domainOf(own());
      const whole = await client.searchRead(PARTY, domain, { order: [['id', 'ASC']] });
      const paged: object[] = [];
      for await (const page of client.pages(PARTY, domain, { size: 1 })) paged.push(...page);
      expect(whole.length).toBeGreaterThan(0);
      expect(paged).toEqual(whole);
    });
  });
}
