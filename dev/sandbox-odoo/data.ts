import type { Row, Stored } from './orm/fields.ts';
import { amounts, subtotal } from './orm/models.ts';
import { round, type Store, stamp } from './orm/store.ts';
import { type Random, seededRandom } from './random.ts';

/** French texts of an office, with the accents, ligatures, emoji and markup that break careless code. */
const PEOPLE = [
  'Élodie Lefèvre',
  'François Garçon',
  'Maëlle Kerguélen',
  'Jean-Noël Dubœuf',
  'Zoé Müller-Château',
  'Aïcha Benkacem',
  'Thérèse d’Aubigné',
  'Loïc Le Goff',
] as const;

const COMPANIES = [
  'Société Générale d’Outillage',
  'Boulangerie Pâtisserie Noël & Fils',
  'Ébénisterie Crèvecœur',
  'Câblerie de l’Île',
  'Dupont & Associés <SARL>',
  'Fonderie Saint-Étienne',
  'Papeteries « Le Bœuf »',
  'Garage Müller',
  'Établissements Hénaff',
  'Quincaillerie O’Brien',
  'Transports Gâtinais 🚚',
  'Verrerie d’Açores',
] as const;

const CITIES = ['Nîmes', 'Besançon', 'Orléans', 'Béziers', 'Angoulême', 'Alès', 'Sète', 'Mâcon'] as const;

const PRODUCTS = [
  'Vis à tête fraisée 4×40',
  'Câble électrique 3G2,5',
  'Peinture façade « blanc cassé »',
  'Clé à molette',
  'Chêne massif, planche 2 m',
  'Écrou frein M8',
  'Scie égoïne',
  'Gants de sécurité (paire)',
  'Ruban adhésif <résistant>',
  'Colle à bois & joint',
  'Œillets laiton',
  'Interrupteur va-et-vient',
] as const;

const TAGS = ['Urgent', 'À relancer', 'Payé d’avance', 'Réserve', 'Série limitée', 'Qualité ★'] as const;

export const NOTES = [
  'Livraison à l’arrière du bâtiment, sonner deux fois.',
  'Vérifier le n° de série avant réception ✅',
  'Prix < 100 € & franco de port',
  'À régler à 30 jours fin de mois',
  'Attention : fragile ⚠️\nNe pas empiler.',
  'Voir avec Mme Lefèvre',
  'Remplace la commande précédente 👍🏽',
] as const;

const TERMS = [
  '<p>Règlement à <strong>30 jours</strong>.</p>',
  '<p>Pénalités&nbsp;: 3 × le taux légal &amp; 40 € d’indemnité.</p>',
  '<ul><li>Franco de port</li><li>Retour sous 8 jours</li></ul>',
] as const;

const STATES = ['draft', 'sent', 'confirmed', 'confirmed', 'done', 'done', 'done', 'cancel'] as const;
const UNITS = ['unit', 'unit', 'unit', 'kg', 'm', 'l', 'h'] as const;

/** Numbers of related records. Headers refer to the ids from 1 to these. */
interface Targets {
  readonly partners: number;
  readonly users: number;
  readonly tags: number;
}

/** The values of a realistic header, except its amounts. `number` is the number in its name. */
export function fakeHeader(
  random: Random,
  targets: Targets,
  number: number,
  ordered: Date,
): Record<string, Stored> {
  const scanned = random.chance(1 / 200);
  const optional = (probability: number, value: Stored) => (random.chance(probability) ? value : null);
  const tag = () => random.between(1, targets.tags);
  return {
    name: `BC/${ordered.getUTCFullYear()}/${String(number).padStart(5, '0')}`,
    active: !random.chance(0.03),
    partner_id: optional(0.98, random.between(1, targets.partners)),
    user_id: optional(0.95, random.between(2, targets.users)),
    company_id: random.chance(0.9) ? 1 : 2,
    currency_id: random.chance(0.9) ? 1 : 2,
    date_order: ordered.toISOString().slice(0, 19).replace('T', ' '),
    date_planned: optional(0.8, day(ordered, random.between(1, 60))),
    state: random.pick(STATES),
    discount_rate: optional(0.4, random.between(0, 2500) / 10_000),
    priority: optional(0.5, random.between(0, 3)),
    urgent: random.chance(0.1),
    notes: optional(0.4, random.pick(NOTES)),
    terms: optional(0.3, random.pick(TERMS)),
    tag_ids: random.chance(0.4) ? [...new Set([tag(), tag()])] : [],
    scan: scanned ? fakeScan(random) : null,
    scan_name: scanned ? `numérisation-${number}.pdf` : null,
    source_ref: optional(0.1, `res.partner,${random.between(1, targets.partners)}`),
    origin_model: null,
    origin_id: null,
  };
}

/** The values of a realistic line of `product`, except its link to the header and its subtotal. */
export function fakeLine(
  random: Random,
  product: Row,
  position: number,
  ordered: Date,
): Record<string, Stored> {
  const delivered = random.chance(0.5);
  return {
    active: !random.chance(0.01),
    sequence: position * 10,
    product_id: random.chance(0.97) ? product.id : null,
    name: random.chance(0.95) ? (product['name'] ?? null) : null,
    quantity: random.chance(0.7) ? random.between(1, 40) : random.between(1, 40_000) / 1000,
    uom: random.pick(UNITS),
    price_unit: round(Number(product['price']) * (0.8 + random.next() * 0.4), 4),
    discount: random.chance(0.2) ? random.between(1, 30) : 0,
    delivery_date: delivered ? day(ordered, random.between(2, 40)) : null,
    delivered,
    note: random.chance(0.1) ? random.pick(NOTES) : null,
    photo: random.chance(0.002) ? fakeScan(random) : null,
  };
}

const day = (from: Date, later: number): string =>
  new Date(from.getTime() + later * DAY_MS).toISOString().slice(0, 10);

/** A content that starts like a PDF, of 1 to 4 KiB, in base64. */
function fakeScan(random: Random): string {
  const bytes = Buffer.alloc(random.between(1024, 4096), `${random.between(0, 1e9)} `);
  bytes.write('%PDF-1.4\n');
  return bytes.toString('base64');
}

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
  /** `database.uuid`. */
  readonly uuid: string;
}

/**
 * Fills a new store: some partners, users, products and tags, and `documents` BCs with `lines` lines on average (1 to 9
 * for 5) over the three years before `now`. About 3 in 100 are archived, 1 in 200 has a scan. It writes directly into
 * the tables, so that 10,000 BCs take about a second.
 */
export function generate(store: Store, options: GenerateOptions): void {
  const { documents, lines, seed, now, user, uuid } = options;
  const random = seededRandom(seed);
  const from = now.getTime() - YEARS_MS;
  addMasterData(store, random, stamp(new Date(from)), { user, uuid });
  for (let at = 0; at < documents; at += 1) {
    // In order of creation; the last one is about an hour old.
    const created = from + Math.floor(((at + random.next()) / documents) * (YEARS_MS - 3_600_000));
    addDocument(store, random, { created, now: now.getTime(), mostLines: 2 * lines - 1 });
  }
}

function addMasterData(
  store: Store,
  random: Random,
  founded: string,
  { user, uuid }: Pick<GenerateOptions, 'user' | 'uuid'>,
): void {
  const add = (model: string, rows: readonly Readonly<Record<string, Stored>>[]) => {
    for (const values of rows) insert(store, model, { active: true, ...values }, founded, founded);
  };
  const buyers = PEOPLE.map((name, at) => ({ name, login: `acheteur${at + 1}@dimagaz.example` }));
  const robot = { name: 'OdooBot', login: '__system__', active: false };
  const own = {
    ...{ name: 'Passerelle', login: user, lang: 'fr_FR', tz: 'Europe/Paris' },
    ...{ company_id: 1, company_ids: [1, 2] },
  };
  add('ir.config_parameter', [{ key: 'database.uuid', value: uuid }]);
  add('res.currency', [{ name: 'EUR' }, { name: 'CHF' }]);
  add('res.company', [{ name: 'Dimagaz' }, { name: 'Dimagaz Suisse' }]);
  add('res.users', [robot, own, ...buyers]);
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
