import type { Command } from 'commander';
import { databaseClock } from '../../../db/client.ts';
import { listChanges } from '../../../db/documents/audit-log.ts';
import { readDocument, readLines } from '../../../db/documents/queries.ts';
import { listFields } from '../../../db/odoo-model/fields.ts';
import { findOpenFailure } from '../../../db/runs/failures.ts';
import { findSource } from '../../../db/runs/source.ts';
import type { OdooFieldRow } from '../../../db/schema/model.ts';
import type { OdooRecord, OdooValue } from '../../../odoo/types.ts';
import { type StoredMirror, withStoredMirror } from '../../connections.ts';
import { UnknownOrderError } from '../../errors.ts';
import { type CommandContext, EXIT, type ExitCode, type Line, oneLine, print, styled } from '../../io.ts';
import { changeLines } from '../../lines/changes.ts';
import { historyText } from '../../lines/failures.ts';
import { MIRROR_FLAG, ONE_MIRROR } from '../../mirrors.ts';
import { ORDER_ARGUMENT, orderIds, orderText } from '../../orders.ts';
import { columns, counted, relative, shorten, table, type Words, wordsOf } from '../../text.ts';

/** Fields of the order that are shown; `--json` has all. */
const MAX_FIELDS = 12;
const MAX_LINES = 20;
const MAX_LINE_FIELDS = 6;
const MAX_CHANGES = 5;
/** Details of one change. */
const MAX_DETAILS = 6;
const MAX_TEXT = 60;
const MAX_CELL = 30;

/** Fields that are shown first, if the model has them. */
const FIRST = ['state', 'partner_id', 'date_order', 'amount_total', 'user_id', 'company_id'];
const FIRST_OF_LINE = [
  'product_id',
  'name',
  'product_qty',
  'quantity',
  'price_unit',
  'price_subtotal',
  'subtotal',
];
/** With that many of its first fields, a line needs no others. */
const ENOUGH = 3;
/** Fields that Odoo maintains itself, and those that are shown elsewhere. */
const LEFT_OUT = ['id', 'name', 'display_name', 'create_uid', 'create_date', 'write_uid', 'write_date'];
/** Types whose values are short. */
const SHORT = ['char', 'selection', 'many2one', 'date', 'datetime', 'integer', 'float', 'monetary'];

export function addShow(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('show')
    .summary('show an order of the mirror')
    .description(
      'Show an order as the mirror has it: main fields, lines, last changes, and its failure if it has one. Needs ' +
        'DATABASE_URL only.',
    )
    .argument('<order>', ORDER_ARGUMENT)
    .option(MIRROR_FLAG, ONE_MIRROR)
    .option('--json', 'print one JSON object, with every field')
    .addHelpText('after', HELP)
    .action(async (order: string, options: ShowOptions) => exit(await show(context, order, options)));
}

interface ShowOptions {
  readonly mirror?: string;
  readonly json?: boolean;
}

const HELP = `
Exit codes: 0 shown, 1 there is no such order or PostgreSQL cannot be used, 2 bad usage or configuration, or several orders have the number

Examples:
  $ passerelle show BC/2023/00002
  $ passerelle show 4711 --json | jq .fields`;

async function show(
  { io, env }: CommandContext,
  order: string,
  { mirror, json }: ShowOptions,
): Promise<ExitCode> {
  const { now, name, fields, ...found } = await withStoredMirror(env, mirror, async (stored) => {
    const { db, name } = stored;
    const [odooId = 0] = await orderIds(stored, [order], wordsOf(name));
    const fields = await readFields(stored);
    return { now: await databaseClock(db), name, fields, ...(await readOrder(stored, odooId)) };
  });
  const { document, ...rest } = found;
  print(io, json, { ...document, ...rest }, orderLines(found, fields, { now, words: wordsOf(name) }));
  return EXIT.success;
}

interface StoredRecord {
  readonly odooId: number;
  readonly fields: OdooRecord;
}

interface StoredOrder extends StoredRecord {
  readonly syncedAt: string;
  readonly archivedAt: string | null;
}

/** @throws UnknownOrderError if the mirror has neither the order nor a failure of it. */
async function readOrder(stored: StoredMirror, odooId: number) {
  const { db, name, key } = stored;
  const { item } = await readDocument(stored, odooId, { pick: null, lines: 'none', linePick: null });
  const failure = await findOpenFailure(db, key, odooId);
  const words = wordsOf(name);
  if (item === null && failure === null)
    throw new UnknownOrderError(
      `The mirror has no ${words.order} with the id ${odooId}. ` +
        `"passerelle resync${words.flag} ${odooId}" reads it from Odoo.`,
    );
  const page = { after: 0, limit: MAX_LINES, archived: false, pick: null };
  const lines = await readLines(stored, odooId, page);
  return {
    odooId,
    document: item === null ? null : (JSON.parse(item) as StoredOrder),
    lines: JSON.parse(lines.items) as StoredRecord[],
    hasMoreLines: lines.next !== null,
    /** The last changes, newest first. */
    changes: await listChanges(stored, odooId, { limit: MAX_CHANGES, before: undefined }),
    failure,
  };
}

/** The fields of header and line as Odoo described them; none before the first run. */
async function readFields({ db, key }: StoredMirror) {
  const source = await findSource(db, key);
  const of = (model: string | undefined) => (model === undefined ? [] : listFields(db, model));
  return { header: await of(source?.model), line: await of(source?.lineModel) };
}

interface Shown {
  readonly now: Date;
  readonly words: Words;
}

type ShownOrder = Awaited<ReturnType<typeof readOrder>>;
type Fields = Awaited<ReturnType<typeof readFields>>;

function orderLines(
  { odooId, document, lines, hasMoreLines, changes, failure }: ShownOrder,
  fields: Fields,
  { now, words }: Shown,
): Line[] {
  return [
    ...(document === null
      ? [`${words.title} ${odooId} is not in the mirror yet.`]
      : headerLines(document, fields.header, { now, words })),
    ...(failure === null
      ? []
      : [[styled('red', 'Failure'), `: ${historyText(failure, now)}`], `  ${oneLine(failure.message)}`]),
    ...lineTable(lines, hasMoreLines, fields.line),
    ...(changes.length === 0 ? [] : ['Last changes']),
    ...changes.flatMap(({ at, action, run, changes: detail }): Line[] => {
      const details = changeLines(detail, words);
      const rest = details.length - MAX_DETAILS;
      return [
        `  ${relative(at, now)}: ${action} by run ${run.id}`,
        ...details.slice(0, MAX_DETAILS).map((line) => `    ${line}`),
        ...(rest > 0 ? [`    and ${rest} more`] : []),
      ];
    }),
  ];
}

function headerLines(
  { odooId, fields: record, syncedAt, archivedAt }: StoredOrder,
  fields: readonly OdooFieldRow[],
  { now, words }: Shown,
): Line[] {
  const number = typeof record['name'] === 'string' ? record['name'] : null;
  const state =
    archivedAt === null ? '' : `, deleted in Odoo, archived ${relative(new Date(archivedAt), now)}`;
  const shown = chosen(fields, FIRST, [record]).slice(0, MAX_FIELDS);
  return [
    [
      styled('bold', orderText(odooId, { number, supplier: null }, words)),
      `, read ${relative(new Date(syncedAt), now)}${state}`,
    ],
    ...columns(
      shown.map((field) => [field.label, valueText(field, record[field.name], MAX_TEXT)]),
      '  ',
    ),
  ];
}

function lineTable(
  lines: readonly StoredRecord[],
  hasMore: boolean,
  fields: readonly OdooFieldRow[],
): Line[] {
  if (lines.length === 0) return [];
  const records = lines.map((line) => line.fields);
  const candidates = chosen(fields, FIRST_OF_LINE, records);
  const known = candidates.filter(({ name }) => FIRST_OF_LINE.includes(name));
  const shown = (known.length < ENOUGH ? candidates : known).slice(0, MAX_LINE_FIELDS);
  const rows = lines.map(({ odooId, fields: record }) => [
    String(odooId),
    ...shown.map((field) => valueText(field, record[field.name], MAX_CELL)),
  ]);
  return [
    hasMore ? `The first ${lines.length} lines` : counted(lines.length, 'line'),
    ...table(['Id', ...shown.map(({ label }) => label)], rows, '  '),
  ];
}

/** The short fields that a record has a value of, in a useful order. */
function chosen(
  fields: readonly OdooFieldRow[],
  first: readonly string[],
  records: readonly OdooRecord[],
): OdooFieldRow[] {
  const place = ({ name }: OdooFieldRow) => (first.includes(name) ? first.indexOf(name) : first.length);
  return fields
    .filter(({ name, type }) => SHORT.includes(type) && (first.includes(name) || !LEFT_OUT.includes(name)))
    .filter((field) => records.some((record) => valueText(field, record[field.name], MAX_TEXT) !== ''))
    .toSorted((a, b) => place(a) - place(b));
}

/** A value as a person reads it. An empty value of Odoo is `false`. */
function valueText({ type, description }: OdooFieldRow, value: OdooValue | undefined, max: number): string {
  if (value === undefined || value === null || value === false) return '';
  if (type === 'many2one') return Array.isArray(value) ? shorten(oneLine(String(value[1])), max) : '';
  if (type === 'selection') {
    const choice = description.selection?.find((one) => Array.isArray(one) && one[0] === value);
    return Array.isArray(choice) ? String(choice[1]) : String(value);
  }
  return shorten(oneLine(String(value)), max);
}
