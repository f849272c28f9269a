import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOdooClient } from '../../src/odoo/client.ts';
import { readableFields } from '../../src/odoo/fields.ts';
import type { OdooClient } from '../../src/odoo/types.ts';
import type { ContractSubject } from './client.ts';
import { BC, LINE, optionsOf } from './client.ts';

const RECORDS = 200;

/** Everything of the first and last records, and of those with the oddest text. */
async function harvest(client: OdooClient, model: string, text: string) {
  const fields = await client.fieldsGet(model);
  const ids = new Set([
    ...(await client.search(model, [], { order: 'id', limit: RECORDS })),
    ...(await client.search(model, [], { order: 'id desc', limit: RECORDS })),
    ...(await client.search(model, [[text, 'like', '<']], { order: 'id', limit: 20 })),
    ...(await client.search(model, [[text, 'like', 'contrôle']], { order: 'id', limit: 20 })),
    ...(await client.search(model, [['active', '=', false]], { order: 'id', limit: 20 })),
  ]);
  const records = await client.read(model, [...ids], { fields: readableFields(fields) });
  return { fields, count: await client.searchCount(model, []), records };
}

type Harvest = Awaited<ReturnType<typeof harvest>>;

/** Where two harvests differ, as `what: this <> that`: short, where a diff of hundreds of records is not. */
function differences(one: Harvest | undefined, other: Harvest | undefined): string[] {
  const flat = (found: Harvest | undefined) =>
    new Map<string, unknown>([
      ['count', found?.count],
      ...Object.entries(found?.fields ?? {}),
      ...(found?.records ?? []).flatMap((record, position) =>
        Object.entries(record).map(([name, value]) => [`${position}.${name}`, value] as const),
      ),
    ]);
  const [left, right] = [flat(one), flat(other)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((key) => !isDeepStrictEqual(left.get(key), right.get(key)))
    .map((key) =>
      `${key}: ${JSON.stringify(left.get(key))} <> ${JSON.stringify(right.get(key))}`.slice(0, 300),
    );
}

/** The mirror's content must not depend on the protocol. */
export function equalityContract({ protocols, coordinates }: ContractSubject): void {
  describe('whichever protocol is used', () => {
    let clients: readonly OdooClient[] = [];
    beforeAll(() => {
      clients = protocols.map((protocol) => createOdooClient(optionsOf(coordinates(), protocol)));
    });
    afterAll(() => Promise.all(clients.map((client) => client.close())));

    it.each([
      [BC, 'notes'],
      [LINE, 'note'],
      ['res.partner', 'name'],
    ])('every field of %s reads the same', async (model, text) => {
      const [first, ...others] = await Promise.all(clients.map((client) => harvest(client, model, text)));
      expect(first?.records.length).toBeGreaterThan(0);
      for (const other of others) expect(differences(first, other)).toEqual([]);
    });

    it('auto takes the best that the secret allows, and reads the same', async () => {
      const { apiKey, ...plain } = coordinates();
      const best = protocols.includes('json2') ? { ...plain, password: apiKey ?? '' } : plain;
      const auto = createOdooClient(optionsOf(best, 'auto'));
      const { protocol } = await auto.connect();
      const order = 'id';
      const ids = await auto.search(BC, [], { order, limit: 5 });
      await auto.close();
      expect(protocol).toBe(protocols.includes('json2') ? 'json2' : 'jsonrpc');
      expect(await clients[0]?.search(BC, [], { order, limit: 5 })).toEqual(ids);
    });
  });
}
