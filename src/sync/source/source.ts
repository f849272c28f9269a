/**
 * The seam between the engine and the server that documents are read from. The engine asks nothing else, and knows no
 * protocol, query language or session. `odoo-source.ts` implements it for Odoo.
 *
 * A second source implements `Source` and is given to the `SyncContext` of its mirrors:
 *
 * - Records have the values of Odoo: a many2one is `[id, name]`, an x2many is a list of ids, an empty value is `false`.
 * - A description has the field types of Odoo. A model with `write_date` has incremental runs. One without is read in
 *   full.
 * - Errors are those of `src/odoo/errors.ts`: their classes decide which jobs are retried and which record is blamed.
 * - A source has one scope: it shows only the records and fields that its mirror may have.
 *
 * Invariant: a source is only read. It has no method that writes.
 *
 * ```ts
 * const changed = await source.list('res.partner', { since, after: 0, limit: 500 }, ['write_date']);
 * ```
 */
import type { SourceDatabase, SourceReader } from '../../db/schema/sync.ts';
import type { OdooFields, OdooRecord, OdooServer } from '../../odoo/types.ts';

/** Records of one model: all of them, without the ones that a condition leaves out. They come by ascending id. */
export interface Selection {
  /** Ids above this one. */
  readonly after?: number;
  /** Only these ids. */
  readonly ids?: readonly number[];
  /** All ids but these. */
  readonly except?: readonly number[];
  /** Written at this time or later. */
  readonly since?: Date;
  /** The field refers to one of these records, or to any record. */
  readonly refersTo?: { readonly field: string; readonly ids: readonly number[] | 'any' };
  readonly limit?: number;
}

interface ReadOptions {
  /** The sizes of binary fields in place of their contents. */
  readonly binSize?: boolean;
}

/** The database, which distinguishes this source from others, and the reader, which changes the content. */
export interface SourceIdentity {
  readonly database: SourceDatabase;
  readonly reader: SourceReader;
  /** How many calls the answer took. */
  readonly calls: number;
}

/** Each method is one call, except `identity`. */
export interface Source {
  /** The address, for messages, without secrets. */
  readonly target: string;
  /** Signs in, unless it has already. */
  connect(): Promise<OdooServer>;
  identity(): Promise<SourceIdentity>;
  /** The clock of the server, in whole seconds. */
  clock(): Promise<Date>;
  describe(model: string): Promise<OdooFields>;
  ids(model: string, selection: Selection): Promise<number[]>;
  /** The newest ids, in descending order. */
  newestIds(model: string, selection: Selection): Promise<number[]>;
  /** The newest `write_date`, as a text; null if no record has one. */
  newestWrite(model: string): Promise<string | null>;
  count(model: string, selection: Selection): Promise<number>;
  list(
    model: string,
    selection: Selection,
    fields: readonly string[],
    options?: ReadOptions,
  ): Promise<OdooRecord[]>;
  /** The order of the records is undefined, and ids that do not exist are missing without an error: match by id. */
  read(
    model: string,
    ids: readonly number[],
    fields: readonly string[],
    options?: ReadOptions,
  ): Promise<OdooRecord[]>;
  /** Which of these ids exist on the server at all, also outside of the scope. */
  exists(model: string, ids: readonly number[]): Promise<ReadonlySet<number>>;
}

/** Observes a call until it ends. */
type During = <T>(call: Promise<T>) => Promise<T>;

/** Counts the calls of one job. Retries inside a call are not counted. A class, because each job has one. */
export class CountedSource implements Source {
  readonly #source: Source;
  readonly #during: During;
  #used = 0;

  constructor(source: Source, during: During = (call) => call) {
    this.#source = source;
    this.#during = during;
  }

  get target(): string {
    return this.#source.target;
  }

  get used(): number {
    return this.#used;
  }

  connect(): ReturnType<Source['connect']> {
    return this.#during(this.#source.connect());
  }

  async identity(): ReturnType<Source['identity']> {
    const identity = await this.#during(this.#source.identity());
    this.#used += identity.calls;
    return identity;
  }

  clock(): ReturnType<Source['clock']> {
    return this.#counted(this.#source.clock());
  }

  describe(...args: Parameters<Source['describe']>): ReturnType<Source['describe']> {
    return this.#counted(this.#source.describe(...args));
  }

  ids(...args: Parameters<Source['ids']>): ReturnType<Source['ids']> {
    return this.#counted(this.#source.ids(...args));
  }

  newestIds(...args: Parameters<Source['newestIds']>): ReturnType<Source['newestIds']> {
    return this.#counted(this.#source.newestIds(...args));
  }

  newestWrite(...args: Parameters<Source['newestWrite']>): ReturnType<Source['newestWrite']> {
    return this.#counted(this.#source.newestWrite(...args));
  }

  count(...args: Parameters<Source['count']>): ReturnType<Source['count']> {
    return this.#counted(this.#source.count(...args));
  }

  list(...args: Parameters<Source['list']>): ReturnType<Source['list']> {
    return this.#counted(this.#source.list(...args));
  }

  read(...args: Parameters<Source['read']>): ReturnType<Source['read']> {
    return this.#counted(this.#source.read(...args));
  }

  exists(...args: Parameters<Source['exists']>): ReturnType<Source['exists']> {
    return this.#counted(this.#source.exists(...args));
  }

  #counted<T>(call: Promise<T>): Promise<T> {
    this.#used += 1;
    return this.#during(call);
  }
}
