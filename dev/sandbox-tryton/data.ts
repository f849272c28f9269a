import { type Random, seededRandom } from '../sandbox-odoo/random.ts';
import type { Store } from './store.ts';
import { date, decimal, type Value } from './values.ts';
import { create, press, write } from './writing.ts';

/** The data of a French gas distributor: customers, addresses and products. They include accents and ampersands. */
const CUSTOMERS = [
  ['Boulangerie Pâtisserie Noël & Fils', 'Lyon', '69003'],
  ['Hôtel du Bœuf d’Or', 'Villefranche-sur-Saône', '69400'],
  ['Mairie de Sainte-Foy-lès-Lyon', 'Sainte-Foy-lès-Lyon', '69110'],
  ['Blanchisserie Crèvecœur', 'Saint-Étienne', '42000'],
  ['Serres Maraîchères du Val de Saône', 'Belleville-en-Beaujolais', '69220'],
  ['Collège Simone Veil', 'Châtillon-d’Azergues', '69380'],
  ['Élodie Lefèvre', 'Bourgoin-Jallieu', '38300'],
  ['Loïc Kerguélen', 'Vienne', '38200'],
  ['Résidence « Les Érables »', 'Mâcon', '71000'],
  ['Fonderie Dubœuf', 'Roanne', '42300'],
  ['Brasserie Gâtinais', 'Givors', '69700'],
  ['Aïcha Benkacem', 'Oullins-Pierre-Bénite', '69600'],
] as const;

const STREETS = [
  '12 rue de l’Église',
  '3 bis avenue Jean-Jaurès',
  '47 quai des Célestins',
  'Zone artisanale des Prés\nBâtiment B',
  '8 place de la République',
  '21 chemin du Vieux-Château',
] as const;

/** Name, code, unit, list price. */
const PRODUCTS = [
  ['Gaz naturel, zone B1', 'GAZ-B1', 'MWh', '94.3150'],
  ['Gaz naturel, zone B2', 'GAZ-B2', 'MWh', '97.8800'],
  ['Propane en citerne', 'PROP-VRAC', 'kg', '1.9850'],
  ['Bouteille butane 13 kg', 'BUT-13', 'u', '36.5000'],
  ['Abonnement annuel', 'ABO-AN', 'u', '257.1600'],
  ['Mise en service', 'MES', 'u', '19.4200'],
  ['Contrôle d’étanchéité', 'CTRL-ETA', 'u', '124.0000'],
] as const;

/** Name, symbol, digits. */
const UNITS = [
  ['Mégawattheure', 'MWh', 3],
  ['Kilogramme', 'kg', 2],
  ['Unité', 'u', 0],
] as const;

const WRITER = { userId: 1, context: {} };
const DAY_MS = 86_400_000;

interface DataOptions {
  readonly login: string;
  /** How many sales to generate, with all parties of the catalogue. 0: only what Tryton itself needs. */
  readonly sales: number;
  readonly seed: number;
  readonly today: Date;
}

/** Fills the store; user 1 is the one who signs in. The same seed and day give the same data. */
export function fill(store: Store, { login, sales, seed, today }: DataOptions): void {
  const make = (model: string, values: Readonly<Record<string, Value>>) =>
    create(store, model, values, WRITER);
  make('ir.lang', { name: 'English', code: 'en' });
  const french = make('ir.lang', { name: 'Français', code: 'fr' });
  make('res.user', { name: 'Administrator', login, email: 'admin@example.com' });
  const party = make('party.party', { name: 'Gaz du Rhône', code: '1', lang: french });
  if (sales === 0) return;
  const france = make('country.country', { name: 'France', code: 'FR' });
  const euro = make('currency.currency', { name: 'Euro', code: 'EUR', symbol: '€', numeric_code: '978' });
  make('currency.currency.rate', { currency: euro, date: date('2002-01-01'), rate: decimal('1.000000') });
  const company = make('company.company', { party, currency: euro });
  write(store, 'res.user', [1], { company }, WRITER);
  const term = make('account.invoice.payment_term', { name: '30 jours fin de mois' });
  const account = make('account.account', { name: 'Clients', code: '411' });
  const journal = make('account.journal', { name: 'Ventes', code: 'VT' });
  const random = seededRandom(seed);
  const parties = CUSTOMERS.map((customer) => makeCustomer(store, customer, { random, france, french }));
  const products = makeProducts(store);
  const world = { random, parties, products, company, currency: euro, term, account, journal, today };
  for (let number = 1; number <= sales; number += 1) makeSale(store, world);
}

function makeCustomer(
  store: Store,
  [name, city, postal]: (typeof CUSTOMERS)[number],
  { random, france, french }: { random: Random; france: number; french: number },
) {
  const party = create(store, 'party.party', { name, lang: french }, WRITER);
  const place = { party, street: random.pick(STREETS), city, country: france, invoice: true, delivery: true };
  const code = store.version === '5.0' ? { zip: postal } : { postal_code: postal };
  const address = create(store, 'party.address', { ...place, ...code }, WRITER);
  const reach = (type: string, value: string) =>
    create(store, 'party.contact_mechanism', { party, type, value }, WRITER);
  reach('phone', `+33 4 ${random.between(10, 99)} ${random.between(10, 99)} 00 ${random.between(10, 99)}`);
  const ascii = name.normalize('NFD').replaceAll(/[^a-zA-Z]/g, '');
  reach('email', `contact@${ascii.toLowerCase().slice(0, 20)}.example`);
  return { party, address };
}

function makeProducts(store: Store) {
  const units = new Map<string, number>(
    UNITS.map(([name, symbol, digits]) => [
      symbol,
      create(store, 'product.uom', { name, symbol, digits }, WRITER),
    ]),
  );
  return PRODUCTS.map(([name, code, symbol, price]) => {
    const unit = units.get(symbol) ?? 1;
    const values = { name, default_uom: unit, list_price: decimal(price) };
    const template = create(store, 'product.template', values, WRITER);
    const id = create(store, 'product.product', { template, code }, WRITER);
    return { id, unit, name, price, symbol };
  });
}

interface World {
  readonly random: Random;
  readonly parties: readonly { readonly party: number; readonly address: number }[];
  readonly products: ReturnType<typeof makeProducts>;
  readonly company: number;
  readonly currency: number;
  readonly term: number;
  readonly account: number;
  readonly journal: number;
  readonly today: Date;
}

/** A sale between draft and invoiced, with its invoice if it has one. */
function makeSale(store: Store, world: World): void {
  const { random, parties, company, currency, term } = world;
  const buyer = parties[random.between(0, parties.length - 1)];
  if (buyer === undefined) return;
  const day = new Date(world.today.getTime() - random.between(0, 360) * DAY_MS).toISOString().slice(0, 10);
  const shared = { party: buyer.party, company, currency, payment_term: term };
  const addresses = { invoice_address: buyer.address, shipment_address: buyer.address };
  const lines = makeLines(world);
  const values = {
    ...shared,
    ...addresses,
    sale_date: date(day),
    reference: `PO-${random.between(1000, 9999)}`,
  };
  const sale = create(store, 'sale.sale', { ...values, lines: [['create', lines]] }, WRITER);
  const stage = random.between(0, 4);
  if (stage >= 1) press(store, 'sale.sale', 'quote', [sale], WRITER);
  if (stage >= 2) press(store, 'sale.sale', 'confirm', [sale], WRITER);
  if (stage < 3) return;
  const own = { company, currency, account: world.account };
  const invoice = create(
    store,
    'account.invoice',
    {
      ...shared,
      ...own,
      journal: world.journal,
      invoice_address: buyer.address,
      invoice_date: date(day),
      lines: [['create', lines.map((line) => ({ ...line, ...own }))]],
    },
    WRITER,
  );
  press(store, 'account.invoice', 'post', [invoice], WRITER);
  if (stage === 4) write(store, 'account.invoice', [invoice], { state: 'paid' }, WRITER);
  write(store, 'sale.sale', [sale], { state: stage === 4 ? 'done' : 'processing' }, WRITER);
}

function makeLines({ random, products }: World): Readonly<Record<string, Value>>[] {
  return Array.from({ length: random.between(1, 4) }, (_, at) => {
    const product = products[random.between(0, products.length - 1)];
    const whole = product?.symbol === 'u';
    return {
      sequence: at + 1,
      product: product?.id ?? null,
      description: product?.name ?? null,
      unit: product?.unit ?? null,
      unit_price: decimal(product?.price ?? '0'),
      quantity: whole ? random.between(1, 12) : random.between(100, 90_000) / 1000,
    };
  });
}
