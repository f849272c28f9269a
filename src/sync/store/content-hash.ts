import { hash } from 'node:crypto';
import type { OdooRecord } from '../../odoo/types.ts';
import { canonicalJson, holdsStruct, sorted } from '../../shared/canonical-json.ts';

/**
 * Fields that Odoo changes without a change of content: a save without edits updates them (odoo#259540). They are
 * mirrored, but do not count as a change.
 */
export const BOOKKEEPING: readonly string[] = ['write_date', 'write_uid', '__last_update'];

/** Whether two values have the same canonical JSON. */
export function isSame(left: unknown, right: unknown): boolean {
  return left === right || canonicalJson(left) === canonicalJson(right);
}

/** SHA-256, in hexadecimal, of all fields except the bookkeeping ones. */
export function contentHash(record: OdooRecord): string {
  return sha256(contentJson(record));
}

const sha256 = (text: string) => hash('sha256', text, 'hex');

/**
 * A record as one line of JSON, bookkeeping fields first, with its `contentHash`. The hashed part is written only once.
 */
export function hashedJson(record: OdooRecord): { readonly json: string; readonly contentHash: string } {
  const content = contentJson(record);
  const bookkeeping = BOOKKEEPING.filter((field) => Object.hasOwn(record, field));
  const members = [
    ...bookkeeping.map((field) => `${JSON.stringify(field)}:${JSON.stringify(record[field])}`),
    ...(content === '{}' ? [] : [content.slice(1, -1)]),
  ];
  return { json: `{${members.join(',')}}`, contentHash: sha256(content) };
}

/** The canonical JSON of the hashed part. A replacer is slow, so it is used only for fields that contain structs. */
function contentJson(record: OdooRecord): string {
  const layout = layoutOf(Object.keys(record));
  const content: Record<string, unknown> = { ...layout.template };
  for (const field of layout.content) {
    const value = record[field];
    content[field] = holdsStruct(value) ? JSON.parse(canonicalJson(value)) : value;
  }
  return JSON.stringify(content);
}

/** The fields of the records of one model in order, and how their content is written. */
interface Layout {
  readonly fields: readonly string[];
  readonly content: readonly string[];
  /** Has the fields of the content in order. */
  readonly template: Readonly<Record<string, null>>;
}

/** Header and lines, from Odoo and from PostgreSQL, before and after a change of the model. */
const MAX_LAYOUTS = 8;
const layouts: Layout[] = [];

/** Records of one model have the same order of fields, so it is computed once. The newest is first. */
function layoutOf(fields: readonly string[]): Layout {
  const at = layouts.findIndex((layout) => isListed(fields, layout.fields));
  const known = layouts[at];
  if (known !== undefined && at === 0) return known;
  const layout = known ?? newLayout(fields);
  layouts.splice(known === undefined ? MAX_LAYOUTS - 1 : at, 1);
  layouts.unshift(layout);
  return layout;
}

function isListed(fields: readonly string[], listed: readonly string[]): boolean {
  if (fields.length !== listed.length) return false;
  for (let at = 0; at < fields.length; at++) if (fields[at] !== listed[at]) return false;
  return true;
}

function newLayout(fields: readonly string[]): Layout {
  const content = fields.filter((field) => !BOOKKEEPING.includes(field));
  const template = Object.fromEntries(sorted(content.map((field) => [field, null] as const)));
  // The result of JSON.parse keeps the compact memory layout, with any number of fields.
  return { fields, content, template: JSON.parse(JSON.stringify(template)) };
}
