import type { OdooRecord } from '../../odoo/types.ts';
import type { MirroredModel } from '../types.ts';

/** `1.43 Kb`, `12.00 bytes`: the text of `human_size` of Odoo in place of a content (14.0, 19.0). */
const SIZE_TEXT = /^(\d+(?:\.\d+)?) (bytes|kb|mb|gb|tb)$/i;

const UNITS = ['bytes', 'kb', 'mb', 'gb', 'tb'];

export function isSizeText(value: unknown): value is string {
  return typeof value === 'string' && SIZE_TEXT.test(value);
}

/** The number of base64 bytes in a size text; 0 for any other text. */
export function promisedBytes(text: string): number {
  const [, amount = '0', unit = 'bytes'] = SIZE_TEXT.exec(text) ?? [];
  return Math.ceil((Number(amount) * 1024 ** UNITS.indexOf(unit.toLowerCase()) * 4) / 3);
}

/** The same for all binary fields of a record. */
export function promisedInAll(sizes: Readonly<Record<string, string>>): number {
  return Object.values(sizes).reduce((total, text) => total + promisedBytes(text), 0);
}

/** The size texts of a record's binary fields, by field. Empty binaries (`false`) are left out. */
export function binarySizes(record: OdooRecord, model: MirroredModel): Record<string, string> {
  const sizes = model.binaries.map((field) => [field, record[field]] as const);
  return Object.fromEntries(sizes.filter((entry): entry is [string, string] => isSizeText(entry[1])));
}
