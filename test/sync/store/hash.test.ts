import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { OdooRecord, OdooValue } from '../../../src/odoo/types.ts';
import { canonicalJson } from '../../../src/shared/canonical-json.ts';
import { BOOKKEEPING, contentHash, hashedJson, isSame } from '../../../src/sync/store/content-hash.ts';

/** As it was written first. Hashes are kept in databases: no later way may give others. */
function firstCanonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, nested: unknown) =>
    typeof nested === 'object' && nested !== null && !Array.isArray(nested)
      ? Object.fromEntries(Object.entries(nested).sort(([a], [b]) => (a < b ? -1 : 1)))
      : nested,
  );
}

function firstContentHash(record: OdooRecord): string {
  const content = Object.fromEntries(
    Object.entries(record).filter(([field]) => !BOOKKEEPING.includes(field)),
  );
  return createHash('sha256').update(firstCanonicalJson(content)).digest('hex');
}

/** The same numbers for the same seed (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const NAMES = [
  ...['id', 'name', 'partner_id', 'x_é', 'Z', 'a', 'aa', 'a.b', '', '10', '9', '-1', '007', '4294967295'],
  ...['__proto__', 'toJSON', 'constructor', 'length', '😀', '\ud83d', '\ue000', '"', ...BOOKKEEPING],
];
const SCALARS: readonly OdooValue[] = [
  ...[
    false,
    true,
    null,
    0,
    -0,
    1,
    -7,
    0.1,
    1e21,
    1e-7,
    5e-324,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ],
  ...['', 'a', 'é', '😀', '\ud83d', '\udcff', '"\\\n\u0001\u2028', '<p>x</p>', '2026-01-31 08:00:00'],
];

type Random = ReturnType<typeof randomOf>;
const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)] as T;

function anyStruct(random: Random, depth: number, most: number): Readonly<Record<string, OdooValue>> {
  const entries = Array.from({ length: random(most) }, () => [pick(random, NAMES), anyValue(random, depth)]);
  return Object.fromEntries(entries);
}

function anyValue(random: Random, depth: number): OdooValue {
  const kind = random(depth > 3 ? 6 : 10);
  if (kind < 6) return pick(random, SCALARS);
  if (kind < 9) return Array.from({ length: random(4) }, () => anyValue(random, depth + 1));
  return anyStruct(random, depth + 1, 5);
}

/** With its fields in this order or another, some missing, as another model's or PostgreSQL's may come between. */
function anyRecord(random: Random): OdooRecord {
  return { ...anyStruct(random, 0, 16), id: random(1000) };
}

describe('the content hash', () => {
  it.each([1, 2, 3, 4])('equals the first implementation, whatever a record holds: seed %i', (seed) => {
    const random = randomOf(seed);
    const records = Array.from({ length: 1500 }, () => anyRecord(random));
    const nowAndAgain = [
      ...records,
      ...records.slice(0, 300),
      ...records.slice(0, 20),
      ...records.slice(0, 20),
    ];
    for (const record of nowAndAgain)
      expect(contentHash(record), JSON.stringify(record)).toBe(firstContentHash(record));
  });

  it('equals the first implementation for undefined fields and fields with a toJSON', () => {
    const odd = {
      id: 1,
      gone: undefined,
      list: [undefined, new Date(0)],
      day: new Date(86_400_000),
      text: new String('boxed'),
    } as unknown as OdooRecord;
    expect(contentHash(odd)).toBe(firstContentHash(odd));
    expect(contentHash({ ...odd, id: 2 })).toBe(firstContentHash({ ...odd, id: 2 }));
  });

  it('comes with JSON that says all of the record, on one line', () => {
    const random = randomOf(5);
    const records = [{ id: 1 }, {}, { write_date: 'x' }, { write_uid: [1, 'a\nb'], id: 2 }] as OdooRecord[];
    for (const record of [...records, ...Array.from({ length: 1500 }, () => anyRecord(random))]) {
      const { json, contentHash: hashed } = hashedJson(record);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(record)));
      expect(json).not.toContain('\n');
      expect(hashed).toBe(contentHash(record));
    }
  });

  it('keeps records apart that list the same fields', () => {
    const hashes = [1, 2, 1].map((id) => contentHash({ id, name: 'x', write_date: '2026-01-31 08:00:00' }));
    expect(hashes[0]).toBe(hashes[2]);
    expect(hashes[0]).not.toBe(hashes[1]);
  });
});

describe('canonical JSON', () => {
  it('equals the first implementation for any value', () => {
    const random = randomOf(7);
    for (let round = 0; round < 3000; round++) {
      const value = round % 2 === 0 ? anyValue(random, 0) : anyStruct(random, 0, 8);
      expect(canonicalJson(value)).toBe(firstCanonicalJson(value));
    }
    expect(canonicalJson(undefined)).toBe(firstCanonicalJson(undefined));
  });

  it('compares content: the order of names does not count, undefined is not null', () => {
    expect(isSame([{ a: 1, b: 2 }], [{ b: 2, a: 1 }])).toBe(true);
    expect(isSame(Number.NaN, null)).toBe(true);
    expect(isSame(0, -0)).toBe(true);
    expect(isSame(undefined, undefined)).toBe(true);
    expect(isSame(undefined, null)).toBe(false);
    expect(isSame([1, 'a'], ['1', 'a'])).toBe(false);
  });
});
