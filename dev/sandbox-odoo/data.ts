import { fakeHeader, fakeLine } from './fake.ts';
import type { Row, Stored } from './fields.ts';
import { amounts, subtotal } from './models.ts';
import { type Random, seededRandom } from './random.ts';
import { stamp } from './stamps.ts';
import type { Store } from './store.ts';
import { CITIES, COMPANIES, PEOPLE, PRODUCTS, TAGS } from './words.ts';

const DAY_MS = 86_400_000;
const YEARS_MS = 3 * 365 * DAY_MS;
const PARTNERS = 120;

/** The generated data and their owner: `user` becomes user 2. */
interface GenerateOptions {
  readonly documents: number;
  /** Average for a document. */
  readonly lines: number;
  readonly seed: number;
  readonly now: Date;
  readonly user: string;
}

/**
 * Fills a new store: a few partners, users, products and tags, and `documents` BCs with `lines` lines on
 * average (1 to 9 where that is 5) over the three years before `now`. About 3 in 100 are archived, 1 in 200 has
 * a scan. Written straight into the tables, so that 10,000 BCs take about a second.
 */
export function generate(store: Store, options: GenerateOptions): void {
  const { documents, lines, seed, now, user } = options;
  const random = seededRandom(seed);
  const from = now.getTime() - YEARS_MS;
  addMasterData(store, random, stamp(new Date(from)), user);
  for (let at = 0; at < documents; at += 1) {
    // In order of creation; the last one is about an hour old.
    const created = from + Math.floor(((at + random.next()) / documents) * (YEARS_MS - 3_600_000));
    addDocument(store, random, { created, now: now.getTime(), mostLines: 2 * lines - 1 });
  }
}

function addMasterData(store: Store, random: Random, founded: string, user: string): void {
  const add = (model: string, rows: readonly Readonly<Record<string, Stored>>[]) => {
    for (const values of rows) insert(store, model, { active: true, ...values }, founded, founded);
  };
  const buyers = PEOPLE.map((name, at) => ({ name, login: `acheteur${at + 1}@dimagaz.example` }));
  const robot = { name: 'OdooBot', login: '__system__', active: false };
  add('res.currency', [{ name: 'EUR' }, { name: 'CHF' }]);
  add('res.company', [{ name: 'Dimagaz' }, { name: 'Dimagaz Suisse' }]);
  add('res.users', [robot, { name: 'Passerelle', login: user }, ...buyers]);
  add('res.partner', partners(random));
  add('dimagaz.product', products(random));
  add(
    'dimagaz.tag',
    TAGS.map((name, at) => ({ name, color: at + 1 })),
  );
}

function partners(random: Random): Record<string, Stored>[] {
  return Array.from({ length: PARTNERS }, (_, at) => {
    const name = COMPANIES[at % COMPANIES.length] ?? COMPANIES[0];
    const branch = Math.floor(at / COMPANIES.length);
    return {
      name: branch === 0 ? name : `${name} (${random.pick(CITIES)} ${branch})`,
      city: random.pick(CITIES),
      email: random.chance(0.8) ? `contact${at + 1}@fournisseur.example` : null,
      active: !random.chance(0.03),
    };
  });
}

function products(random: Random): Record<string, Stored>[] {
  return PRODUCTS.map((name, at) => ({
    name,
    code: `REF-${String(at + 1).padStart(4, '0')}`,
    price: random.between(50, 50_000) / 100,
  }));
}

function addDocument(
  store: Store,
  random: Random,
  { created, now, mostLines }: { created: number; now: number; mostLines: number },
): void {
  const id = store.table('dimagaz.bc').takeId();
  const ordered = new Date(created);
  const catalogue = store.table('dimagaz.product').rows;
  const createdAt = stamp(ordered, random.between(0, 999));
  const written = Math.min(created + random.between(0, 20 * DAY_MS), now - random.between(60_000, 3_600_000));
  const writtenAt = written > created ? stamp(new Date(written), random.between(0, 999)) : createdAt;
  const lines: Row[] = [];
  for (let position = random.between(1, mostLines); position > 0; position -= 1) {
    const product = catalogue.get(random.between(1, PRODUCTS.length));
    if (!product) continue;
    const line = fakeLine(random, product, lines.length + 1, ordered);
    const values = { ...line, subtotal: subtotal(line), bc_id: id };
    lines.push(insert(store, 'dimagaz.bc.line', values, createdAt, writtenAt));
  }
  const targets = { partners: PARTNERS, users: PEOPLE.length + 2, tags: TAGS.length };
  const header = { ...fakeHeader(random, targets, id, ordered), ...amounts(lines) };
  insert(store, 'dimagaz.bc', header, createdAt, writtenAt, id);
}

function insert(
  store: Store,
  model: string,
  values: Readonly<Record<string, Stored>>,
  created: string,
  written: string,
  id = store.table(model).takeId(),
): Row {
  const row = { ...values, id, create_uid: 2, create_date: created, write_uid: 2, write_date: written };
  store.table(model).put(row);
  return row;
}
