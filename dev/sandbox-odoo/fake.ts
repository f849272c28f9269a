import { round } from './columns.ts';
import type { Row, Stored } from './fields.ts';
import type { Random } from './random.ts';
import { NOTES, TERMS } from './words.ts';

const STATES = ['draft', 'sent', 'confirmed', 'confirmed', 'done', 'done', 'done', 'cancel'] as const;
const UNITS = ['unit', 'unit', 'unit', 'kg', 'm', 'l', 'h'] as const;
const DAY_MS = 86_400_000;

/** The ids that headers point at, from 1 up to these. */
interface Targets {
  readonly partners: number;
  readonly users: number;
  readonly tags: number;
}

/** The values of a believable header, all but its amounts. `number` is that of its name. */
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

/** The values of a believable line of `product`, all but its link to the header and its subtotal. */
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
