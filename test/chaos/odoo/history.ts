import { createHash } from 'node:crypto';
import type { SandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';

export const BC = 'dimagaz.bc';
export const LINE = 'dimagaz.bc.line';

/** Moved by Odoo at every save, whether something changed or not. */
const BOOKKEEPING = ['write_date', 'write_uid', '__last_update'];

/** The fields whose contents the audit trail keeps by size and digest. */
const BINARIES: Readonly<Record<string, string>> = { [BC]: 'scan', [LINE]: 'photo' };

export type Fields = Readonly<Record<string, unknown>>;

/** A record as the audit trail words it: without bookkeeping, contents of binaries by size and digest. */
export function audited(model: string, fields: Fields): Record<string, unknown> {
  const binary = BINARIES[model];
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !BOOKKEEPING.includes(name))
      .map(([name, value]) => [name, name === binary ? digest(value) : value]),
  );
}

export const isBookkeeping = (field: string): boolean => BOOKKEEPING.includes(field);

/** Equal content, equal text, whatever the order of its keys. */
export function text(value: unknown): string {
  return JSON.stringify(value ?? null, (_, nested: unknown) =>
    typeof nested === 'object' && nested !== null && !Array.isArray(nested)
      ? Object.fromEntries(Object.entries(nested).sort(([left], [right]) => (left < right ? -1 : 1)))
      : nested,
  );
}

function digest(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const content = Buffer.from(value, 'base64');
  return { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
}

/**
 * Every state that each record had in Odoo, and since when. Binaries are left out: a page reads their sizes, the
 * BC's job their contents a moment later, so the two may be of different moments until the next reading.
 */
export class History {
  readonly #odoo: SandboxOdoo;
  readonly #states = new Map<string, Map<string, number>>();
  /** The BCs that each line has had. */
  readonly #owners = new Map<number, Set<unknown>>();

  constructor(odoo: SandboxOdoo) {
    this.#odoo = odoo;
    this.note(odoo.ids(BC), 0);
  }

  /** To be called right after a commit that touched these BCs, before anybody can have read it. */
  note(bcs: readonly number[], at: number = Date.now()): void {
    const headers = this.#odoo.read(BC, bcs);
    for (const header of headers) this.#add(BC, header.id, header, at);
    const lines = headers.flatMap(({ line_ids: ids }) => (Array.isArray(ids) ? ids.map(Number) : []));
    for (const line of this.#odoo.read(LINE, lines)) {
      this.#add(LINE, line.id, line, at);
      const { bc_id: owner } = line;
      const owners = this.#owners.get(line.id) ?? new Set();
      this.#owners.set(line.id, owners.add(Array.isArray(owner) ? owner[0] : owner));
    }
  }

  /** The same for records without lines. */
  noteRecords(model: string, ids: readonly number[], at: number = Date.now()): void {
    for (const record of this.#odoo.read(model, ids)) this.#add(model, record.id, record, at);
  }

  /** A line that moved may leave its BC in the audit trail. */
  moved(line: number): boolean {
    return (this.#owners.get(line)?.size ?? 0) > 1;
  }

  /** Whether Odoo had this record in this state at some time before `at` (milliseconds). */
  hadBefore(model: string, id: number, fields: Fields, at: number): boolean {
    const since = this.#states.get(`${model} ${id}`)?.get(stateOf(model, fields));
    return since !== undefined && since <= at;
  }

  #add(model: string, id: number, fields: Fields, at: number): void {
    const key = `${model} ${id}`;
    const states = this.#states.get(key) ?? new Map<string, number>();
    const state = stateOf(model, fields);
    if (!states.has(state)) states.set(state, at);
    this.#states.set(key, states);
  }
}

function stateOf(model: string, fields: Fields): string {
  const { [BINARIES[model] ?? '']: _, ...rest } = audited(model, fields);
  return createHash('sha256').update(text(rest)).digest('base64');
}
