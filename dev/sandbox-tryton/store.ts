import { keyError, pythonError, userError, wordingOf } from './errors.ts';
import { baseModels } from './models/base.ts';
import {
  AUTOMATIC,
  type FieldDefinition,
  type ModelDefinition,
  type Reader,
  type Row,
  type TrytonVersion,
} from './models/fields.ts';
import { partyModels } from './models/party.ts';
import { tradeModels } from './models/trade.ts';
import { bytes, bytesOf, decimal, digitsBehindPoint, numeral, tagOf, type Value, wordOf } from './values.ts';

/** One model and its rows. Rows are never changed in place: a changed row is a new object. */
interface Table {
  readonly definition: ModelDefinition;
  readonly fields: ReadonlyMap<string, FieldDefinition>;
  rows: Map<number, Row>;
  lastId: number;
}

/** The database, and the transactions on it. */
export class Store implements Reader {
  readonly version: TrytonVersion;
  readonly #tables = new Map<string, Table>();
  readonly #clock: () => Date;
  #lastMicros = 0;

  constructor(version: TrytonVersion, clock: () => Date) {
    this.version = version;
    this.#clock = clock;
    for (const definition of [...baseModels(version), ...partyModels(version), ...tradeModels(version)]) {
      const fields = new Map(Object.entries({ ...definition.fields, ...AUTOMATIC }));
      this.#tables.set(definition.name, { definition, fields, rows: new Map(), lastId: 0 });
    }
  }

  get models(): readonly string[] {
    return [...this.#tables.keys()];
  }

  /** @throws ServerException with the message of the server for an unknown model. */
  table(model: string): Table {
    const table = this.#tables.get(model);
    if (table === undefined) throw keyError(model);
    return table;
  }

  field(model: string, name: string): FieldDefinition {
    const field = this.table(model).fields.get(name);
    if (field === undefined) throw keyError(name);
    return field;
  }

  row(model: string, id: Value | undefined): Row | undefined {
    return typeof id === 'number' ? this.table(model).rows.get(id) : undefined;
  }

  pointing(model: string, field: string, id: number): readonly Row[] {
    return [...this.table(model).rows.values()].filter((row) => row[field] === id);
  }

  value(model: string, row: Row, name: string): Value {
    if (name === 'rec_name') return this.recName(model, row);
    const field = this.field(model, name);
    if (field.compute) return field.compute(row, this);
    if (field.type === 'one2many')
      return this.pointing(field.relation ?? '', field.relationField ?? '', row.id).map(({ id }) => id);
    return row[name] ?? null;
  }

  recName(model: string, row: Row): string {
    const { definition } = this.table(model);
    return definition.recName?.(row, this) ?? wordOf(row['name'] ?? row.id);
  }

  /** Microseconds since 1970, always later than before, so that two writes differ. */
  stamp(): number {
    const now = this.#clock().getTime() * 1000 + Math.floor(Math.random() * 1000);
    this.#lastMicros = Math.max(this.#lastMicros + 1, now);
    return this.#lastMicros;
  }

  today(): string {
    return this.#clock().toISOString().slice(0, 10);
  }

  /** Runs `work`. If it throws, all its changes are undone, except assigned ids. */
  transaction<T>(work: () => T): T {
    const before = [...this.#tables.values()].map((table) => ({ table, rows: new Map(table.rows) }));
    try {
      return work();
    } catch (error) {
      for (const { table, rows } of before) table.rows = rows;
      throw error;
    }
  }
}

/** A value in its stored form. @throws ServerException for a wrong type. */
export function column(store: Store, field: FieldDefinition, value: Value): Value {
  if (value === null) return null;
  switch (field.type) {
    case 'integer':
    case 'many2one':
      return wholeNumber(value);
    case 'float':
      return Number(numeral(value));
    case 'numeric':
      return amount(value);
    case 'char':
    case 'text':
      if (typeof value !== 'string' && store.version === '5.0') throw pythonError('');
      return typeof value === 'string' ? value : wordOf(value);
    case 'binary':
      return content(store, value);
    case 'date':
    case 'timestamp':
      return moment(value);
    default:
      return value;
  }
}

function wholeNumber(value: Value): Value {
  if (typeof value === 'string' && !/^\s*[+-]?\d+\s*$/.test(value))
    throw pythonError(`invalid literal for int() with base 10: '${value}'`);
  return Number(value);
}

function amount(value: Value): Value {
  const digits = numeral(value);
  if (digits === null) throw pythonError("[<class 'decimal.ConversionSyntax'>]");
  return decimal(digits);
}

function content(store: Store, value: Value): Value {
  const given = bytesOf(value);
  if (given !== null) return bytes(given);
  const what = store.version === '5.0' ? 'Unicode-objects' : 'Strings';
  throw pythonError(`${what} must be encoded before hashing`);
}

function moment(value: Value): Value {
  if (tagOf(value) === 'date' || tagOf(value) === 'datetime') return value;
  throw pythonError(`invalid input syntax for type date: "${wordOf(value)}"\n`);
}

/** Refuses a row that breaks a rule of its model, with the message of the server. */
export function check(store: Store, model: string, row: Row): void {
  const { definition, fields } = store.table(model);
  const words = wordingOf(store.version);
  const refuse = (text: string) => {
    throw userError(store.version, text);
  };
  for (const [name, field] of fields) {
    if (field.compute || name in AUTOMATIC_ONLY) continue;
    const place = () => ({
      model,
      modelString: definition.string,
      field: field.string,
      record: store.recName(model, row),
    });
    const value = row[name] ?? null;
    if (value === null || value === '') {
      if (field.required) refuse(words.required(place()));
      continue;
    }
    if (field.type === 'many2one' && !store.row(field.relation ?? '', value))
      refuse(words.unknownTarget(place(), wordOf(value)));
    if (field.type === 'selection' && !field.selection?.some(([choice]) => choice === value))
      refuse(words.selection(place(), wordOf(value)));
    const most = field.digits?.[1] ?? 0;
    if (field.type === 'numeric' && digitsBehindPoint(value) > most)
      refuse(words.digits(place(), wordOf(value), most));
  }
  const broken = brokenRule(store, model, row);
  if (broken !== null) refuse(broken);
}

const AUTOMATIC_ONLY = { id: 1, create_uid: 1, create_date: 1, write_uid: 1, write_date: 1 };

function brokenRule(store: Store, model: string, row: Row): string | null {
  const { definition, rows } = store.table(model);
  const same = (other: Row, names: readonly string[]) =>
    names.every((name) => JSON.stringify(other[name] ?? null) === JSON.stringify(row[name] ?? null));
  const broken = definition.unique?.find(({ fields }) =>
    [...rows.values()].some((other) => other.id !== row.id && same(other, fields)),
  );
  return broken?.words ?? definition.check?.(row, store) ?? null;
}
