import { fakeLine, fakeScan } from './fake.ts';
import type { Row, Stored } from './fields.ts';
import { amounts } from './models.ts';
import { type Random, seededRandom } from './random.ts';
import { stamp, wholeSecond } from './stamps.ts';
import type { Store } from './store.ts';
import { CITIES, COMPANIES, NOTES, PEOPLE, PRODUCTS, TAGS, TERMS } from './words.ts';

const YEARS_MS = 3 * 365 * 86_400_000;
const STATES = ['draft', 'sent', 'confirmed', 'confirmed', 'done', 'done', 'done', 'cancel'] as const;

/** What is generated, and for whom: `user` becomes user 2. */
export interface GenerateOptions {
  readonly documents: number;
  readonly seed: number;
  readonly now: Date;
  readonly user: string;
}

/**
 * Fills a new store: a few partners, users, products and tags, and `documents` BCs of 1 to 9 lines over the
 * three years before `now`. About 3 in 100 are archived, 1 in 200 has a scan. Written straight into the
 * tables, so that 10,000 BCs take about a second.
 */
export function generate(store: Store, { documents, seed, now, user }: GenerateOptions): void {
  const random = seededRandom(seed);
  const from = now.getTime() - YEARS_MS;
  const founded = stamp(new Date(from));
  const add = (model: string, rows: readonly Readonly<Record<string, Stored>>[]) => {
    for (const values of rows) insert(store, model, { active: true, ...values }, founded);
  };
  add('res.currency', [{ name: 'EUR' }, { name: 'CHF' }]);
  add('res.company', [{ name: 'Dimagaz' }, { name: 'Dimagaz Suisse' }]);
  add('res.users', [
    { name: 'OdooBot', login: '__system__', active: false },
    { name: 'Passerelle', login: user },
  ]);
  add(
    'res.users',
    PEOPLE.map((name, at) => ({ name, login: `acheteur${at + 1}@dimagaz.example` })),
  );
  add('res.partner', partners(random));
  add(
    'dimagaz.product',
    PRODUCTS.map((name, at) => product(random, name, at)),
  );
  add(
    'dimagaz.tag',
    TAGS.map((name, at) => ({ name, color: at + 1 })),
  );
  for (let at = 0; at < documents; at += 1) {
    // The order is that of creation; the last one is a few minutes old.
    const created = from + Math.floor(((at + random.next()) / documents) * (YEARS_MS - 3_600_000));
    addDocument(store, random, created, now.getTime());
  }
}

function partners(random: Random): Record<string, Stored>[] {
  return Array.from({ length: 120 }, (_, at) => {
    const name = COMPANIES[at % COMPANIES.length] ?? COMPANIES[0];
    const round = Math.floor(at / COMPANIES.length);
    return {
      name: round === 0 ? name : `${name} (${random.pick(CITIES)} ${round})`,
      city: random.pick(CITIES),
      email: random.chance(0.8) ? `contact${at + 1}@fournisseur.example` : null,
      active: !random.chance(0.03),
    };
  });
}

function product(random: Random, name: string, at: number): Record<string, Stored> {
  return { name, code: `REF-${String(at + 1).padStart(4, '0')}`, price: random.between(50, 50_000) / 100 };
}

function addDocument(store: Store, random: Random, created: number, now: number): void {
  const headers = store.table('dimagaz.bc');
  const id = headers.takeId();
  const written = Math.min(
    created + random.between(0, 20 * 86_400_000),
    now - random.between(60_000, 3_600_000),
  );
  const createdAt = micros(random, created);
  const writtenAt = written > created ? micros(random, written) : createdAt;
  const lines = Array.from({ length: random.between(1, 9) }, (_, at) => {
    const values = fakeLine(random, store, at + 1);
    return insert(store, 'dimagaz.bc.line', { bc_id: id, ...values }, createdAt, writtenAt);
  });
  headers.put({
    ...header(random, id, new Date(created)),
    ...amounts(lines),
    id,
    create_uid: 2,
    create_date: createdAt,
    write_uid: random.between(2, 9),
    write_date: writtenAt,
  });
}

function header(random: Random, id: number, ordered: Date): Record<string, Stored> {
  const scanned = random.chance(1 / 200);
  const optional = <T extends Stored>(probability: number, value: T) =>
    random.chance(probability) ? value : null;
  const planned = new Date(ordered.getTime() + random.between(1, 60) * 86_400_000);
  return {
    name: `BC/${ordered.getUTCFullYear()}/${String(id).padStart(5, '0')}`,
    active: !random.chance(0.03),
    partner_id: optional(0.98, random.between(1, 120)),
    user_id: optional(0.95, random.between(2, 10)),
    company_id: random.chance(0.9) ? 1 : 2,
    currency_id: random.chance(0.9) ? 1 : 2,
    date_order: wholeSecond(ordered),
    date_planned: optional(0.8, planned.toISOString().slice(0, 10)),
    state: random.pick(STATES),
    discount_rate: optional(0.4, random.between(0, 2500) / 10_000),
    priority: optional(0.5, random.between(0, 3)),
    urgent: random.chance(0.1),
    notes: optional(0.4, random.pick(NOTES)),
    terms: optional(0.3, random.pick(TERMS)),
    tag_ids: random.chance(0.4) ? [...new Set([random.between(1, 6), random.between(1, 6)])] : [],
    scan: scanned ? fakeScan(random) : null,
    scan_name: scanned ? `numérisation-${id}.pdf` : null,
    source_ref: optional(0.1, `res.partner,${random.between(1, 120)}`),
    origin_model: null,
    origin_id: null,
  };
}

function insert(
  store: Store,
  model: string,
  values: Readonly<Record<string, Stored>>,
  created: string,
  written = created,
): Row {
  const table = store.table(model);
  const id = table.takeId();
  const row = { ...values, id, create_uid: 1, create_date: created, write_uid: 1, write_date: written };
  table.put(row);
  return row;
}

const micros = (random: Random, at: number): string => stamp(new Date(at), random.between(0, 999));
