import { describe, expect, it } from 'vitest';
import type { OdooClientOptions } from '../../src/odoo/client.ts';
import type { Domain } from '../../src/odoo/types.ts';
import { BC, idIn, LINE, openClient } from './client.ts';

const rising = (ids: readonly number[]) => [...ids].sort((a, b) => a - b);

export function searchingContract(options: () => OdooClientOptions): void {
  describe('searching', () => {
    const client = openClient(options);
    const all = (domain: Domain) => client().search(BC, domain, { order: 'id' });

    it('orders and limits', async () => {
      const up = await client().search(BC, [], { order: 'id', limit: 5 });
      const down = await client().search(BC, [], { order: 'id desc', limit: 5 });
      expect(up).toHaveLength(5);
      expect(up).toEqual(rising(up));
      expect(down).toEqual(rising(down).reverse());
      expect(down[0]).toBeGreaterThan(up[4] ?? 0);
    });

    it('walks every id by key, to an empty answer', async () => {
      const seen: number[] = [];
      const limit = Math.ceil((await client().searchCount(BC, [])) / 3);
      for (;;) {
        const page = await client().search(BC, [['id', '>', seen.at(-1) ?? 0]], { order: 'id', limit });
        if (page.length === 0) break;
        seen.push(...page);
      }
      expect(seen).toEqual(await all([]));
      expect(seen).toHaveLength(await client().searchCount(BC, []));
    });

    it('combines conditions by and, or and not, in prefix notation', async () => {
      const draft = await all([['state', '=', 'draft']]);
      const done = await all([['state', '=', 'done']]);
      expect(draft.length * done.length).toBeGreaterThan(0);
      const both = rising([...draft, ...done]);
      expect(await all(['|', ['state', '=', 'draft'], ['state', '=', 'done']])).toEqual(both);
      expect(await all([['state', 'in', ['draft', 'done']]])).toEqual(both);
      expect(await all(['!', ['state', 'not in', ['draft', 'done']]])).toEqual(both);
      const [first = 0] = draft;
      const alone: Domain = ['&', ['id', '=', first], '|', ['state', '=', 'draft'], ['state', '=', 'done']];
      expect(await all(alone)).toEqual([first]);
      expect(
        await all([
          ['state', '=', 'draft'],
          ['state', '=', 'done'],
        ]),
      ).toEqual([]);
      expect(await all([['id', 'in', []]])).toEqual([]);
    });

    it('finds a record from its own write_date on, whole seconds', async () => {
      const [newest] = await client().searchRead(BC, [], {
        fields: ['write_date'],
        order: 'write_date desc, id desc',
        limit: 1,
      });
      const at = String(newest?.['write_date']);
      expect(at).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
      expect(await all([['write_date', '>=', at]])).toContain(newest?.id);
      const later = new Date(Date.parse(`${at.replace(' ', 'T')}Z`) + 1000);
      const text = later.toISOString().slice(0, 19).replace('T', ' ');
      expect(await all([['write_date', '>=', text]])).toEqual([]);
    });

    it('finds empty and non-empty values by False', async () => {
      const total = await client().searchCount(BC, []);
      const empty = await client().searchCount(BC, [['date_planned', '=', false]]);
      const filled = await client().searchCount(BC, [['date_planned', '!=', false]]);
      expect(empty * filled).toBeGreaterThan(0);
      expect(empty + filled).toBe(total);
    });

    it('sees archived headers and lines', async () => {
      for (const model of [BC, LINE]) {
        const archived = await client().searchCount(model, [['active', '=', false]]);
        const active = await client().searchCount(model, [['active', '=', true]]);
        expect(archived, model).toBeGreaterThan(0);
        expect(await client().searchCount(model, []), model).toBe(active + archived);
      }
    });

    it('finds text with accents and markup', async () => {
      const fields = ['notes'];
      for (const piece of ['é', '<b>', '&', '🙂', 'contrôle']) {
        const found = await client().searchRead(BC, [['notes', 'like', piece]], { fields, limit: 3 });
        expect(found.length, piece).toBeGreaterThan(0);
        for (const record of found) expect(record['notes']).toContain(piece);
      }
    });

    it('follows a many2one into the other model', async () => {
      const [line] = await client().searchRead(LINE, [], { fields: ['bc_id'], order: 'id', limit: 1 });
      const bc = idIn(line?.['bc_id']);
      const lines = await client().search(LINE, [['bc_id', 'in', [bc]]]);
      expect(lines).toContain(line?.id);
      expect(await client().search(LINE, [['bc_id.id', '=', bc]], { order: 'id' })).toEqual(rising(lines));
    });
  });
}
