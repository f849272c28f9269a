import { keyError } from './errors.ts';
import type { FieldDefinition, ModelDefinition, Reader, Row, TrytonVersion } from './fields.ts';
import { AUTOMATIC } from './fields.ts';
import { baseModels } from './models-base.ts';
import { partyModels } from './models-party.ts';
import { tradeModels } from './models-trade.ts';
import type { Value } from './values.ts';
import { wordOf } from './values.ts';

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

  /** @throws ServerException as the server words it for a model it does not have. */
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

  /** Microseconds since 1970; later than any before, so that two writes differ. */
  stamp(): number {
    const now = this.#clock().getTime() * 1000 + Math.floor(Math.random() * 1000);
    this.#lastMicros = Math.max(this.#lastMicros + 1, now);
    return this.#lastMicros;
  }

  today(): string {
    return this.#clock().toISOString().slice(0, 10);
  }

  /** Runs `work`; when it throws, nothing of it stays but the ids it took. */
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
