import type { Field, Model } from '../../../api/answers.ts';
import { readStored, writeStored } from '../../../settings/stored.ts';

/** The first columns, if the model has them. */
const FIRST = ['name', 'partner_id', 'date_order', 'state', 'amount_total', 'user_id'];
const FEW = 6;
/** Pages of text and files say nothing in a cell. */
const SHORT: ReadonlySet<string> = new Set([
  ...['char', 'selection', 'many2one', 'date', 'datetime'],
  ...['integer', 'float', 'monetary', 'boolean', 'reference'],
]);
/** What Odoo keeps of every record. */
export const OWN: ReadonlySet<string> = new Set([
  ...['id', 'display_name', 'create_uid', 'create_date', 'write_uid', 'write_date'],
]);

/** The model's own fields first, then what Odoo keeps of every record. */
export const inOrder = (fields: readonly Field[]): Field[] => [
  ...fields.filter(({ name }) => !OWN.has(name)),
  ...fields.filter(({ name }) => OWN.has(name)),
];

/** Fields that can be shown in the list. */
export const listable = ({ fields }: Model): Field[] =>
  inOrder(fields.filter(({ type }) => type !== 'binary'));

/** The name of a record, by the first of these fields that the model has. */
const NAMES = ['name', 'complete_name', 'display_name'];
/** Fields for Odoo's own screens. */
const TECHNICAL =
  /^(message|activity|my_activity|website|access|image|avatar|property|is|has)_|^(active|color|sequence)$/;

/** The usual columns; a model that has few of them gets its name and other short fields, flags last. */
export function defaultColumns({ fields }: Pick<Model, 'fields'>): string[] {
  const has = (name: string) => fields.some((field) => field.name === name);
  const known = FIRST.filter(has);
  if (known.length > 2) return known;
  const short = fields.filter(({ name, type }) => SHORT.has(type) && !OWN.has(name) && !TECHNICAL.test(name));
  const [flags, others] = [short.filter(isFlag), short.filter((field) => !isFlag(field))];
  const names = [
    ...NAMES.filter(has).slice(0, 1),
    ...known,
    ...[...others, ...flags].map(({ name }) => name),
  ];
  return [...new Set(names)].slice(0, FEW);
}

const isFlag = ({ type }: Field): boolean => type === 'boolean';

/** The columns that were chosen in this browser, without those whose field is gone; else the first choice. */
export function readColumns(model: Model): string[] {
  const kept = readStored(`columns.${model.model}`)?.split(',') ?? [];
  const known = listable(model).map(({ name }) => name);
  const chosen = kept.filter((name) => known.includes(name));
  return chosen.length === 0 ? defaultColumns(model) : chosen;
}

/** Null forgets the choice. */
export function keepColumns(model: Model, names: readonly string[] | null): void {
  writeStored(`columns.${model.model}`, names === null ? null : names.join());
}
