import { round } from './columns.ts';
import type { Stored } from './fields.ts';
import { subtotal } from './models.ts';
import type { Random } from './random.ts';
import type { Store } from './store.ts';
import { NOTES, PRODUCTS } from './words.ts';

const UNITS = ['unit', 'unit', 'unit', 'kg', 'm', 'l', 'h'] as const;

/** The values of one believable line, all fields but the link to its header. */
export function fakeLine(random: Random, store: Store, position: number): Record<string, Stored> {
  const productId = random.between(1, PRODUCTS.length);
  const product = store.table('dimagaz.product').rows.get(productId);
  const delivered = random.chance(0.5);
  const line = {
    active: !random.chance(0.01),
    sequence: position * 10,
    product_id: random.chance(0.97) ? productId : null,
    name: random.chance(0.95) ? String(product?.['name']) : null,
    quantity: random.chance(0.7) ? random.between(1, 40) : random.between(1, 40_000) / 1000,
    uom: random.pick(UNITS),
    price_unit: round(Number(product?.['price']) * (0.8 + random.next() * 0.4), 4),
    discount: random.chance(0.2) ? random.between(1, 30) : 0,
    delivery_date: delivered
      ? `202${random.between(3, 6)}-0${random.between(1, 9)}-1${random.between(0, 9)}`
      : null,
    delivered,
    note: random.chance(0.1) ? random.pick(NOTES) : null,
    photo: random.chance(0.002) ? fakeScan(random) : null,
  };
  return { ...line, subtotal: subtotal(line) };
}

/** A content that starts like a PDF, of 1 to 4 KiB, in base64. */
export function fakeScan(random: Random): string {
  const bytes = Buffer.alloc(random.between(1024, 4096), `${random.between(0, 1e9)} `);
  bytes.write('%PDF-1.4\n');
  return bytes.toString('base64');
}
