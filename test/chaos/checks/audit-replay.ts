import { z } from 'zod';
import type { Fields, History } from '../odoo/history.ts';
import { audited, isBookkeeping, LINE, text } from '../odoo/history.ts';

interface StoredLine {
  readonly id: number;
  readonly bc: number;
  readonly fields: Fields;
  readonly archived: boolean;
}

export interface StoredBc {
  readonly id: number;
  readonly fields: Fields;
  readonly archived: boolean;
  readonly lines: readonly StoredLine[];
}

export interface Entry {
  readonly id: number;
  readonly action: 'archived' | 'created' | 'restored' | 'updated';
  readonly changes: unknown;
  /** Milliseconds: when the transaction began that wrote it. */
  readonly at: number;
}

const fieldChanges = z.record(z.string(), z.object({ old: z.unknown(), new: z.unknown() }));
const line = z.looseObject({ id: z.number() });
const changesOf = z.strictObject({
  header: fieldChanges.optional(),
  linesAdded: z.array(line).optional(),
  linesRemoved: z.array(line).optional(),
  linesChanged: z.record(z.string(), fieldChanges).optional(),
  reason: z.enum(['gone', 'out_of_scope']).optional(),
});
type FieldChanges = z.infer<typeof fieldChanges>;

/** The known part of a line: for a line that moved to another BC the trail shows only that it left. */
interface KnownLine {
  readonly whole: boolean;
  readonly fields: Record<string, unknown>;
}

/** A BC on its way back to its creation, one entry of the audit trail after the other. */
export class AuditReplay {
  readonly problems: string[] = [];
  readonly #history: History;
  readonly #header: Record<string, unknown>;
  readonly #lines: Map<number, KnownLine>;
  readonly #id: number;
  readonly #model: string;
  #archived: boolean;
  #created = false;

  constructor(bc: StoredBc, history: History, model: string) {
    this.#history = history;
    this.#model = model;
    this.#id = bc.id;
    this.#header = audited(model, bc.fields);
    this.#lines = new Map(
      bc.lines.map(({ id, fields }) => [id, { whole: true, fields: audited(LINE, fields) }]),
    );
    this.#archived = bc.archived;
  }

  /** Checks what an entry says it left behind, then takes it back. */
  undo(entry: Entry): void {
    const label = `entry ${entry.id} (${entry.action})`;
    const parsed = changesOf.safeParse(entry.changes);
    if (!parsed.success) {
      this.#complain(`${label} cannot be read: ${parsed.error.message}`);
      return;
    }
    if (this.#created) this.#complain(`${label} is older than its creation`);
    const changes = parsed.data;
    this.#undoAction(entry, label, Object.keys(changes).length === 0);
    this.#undoHeader(changes.header ?? {}, entry.at, label);
    for (const added of changes.linesAdded ?? []) this.#undoAdded(added, entry.at, label);
    for (const removed of changes.linesRemoved ?? []) this.#undoRemoved(removed, label);
    for (const [id, fields] of Object.entries(changes.linesChanged ?? {}))
      this.#undoChanged(Number(id), fields, entry.at, label);
  }

  expectNothingBefore(): void {
    if (!this.#created) this.#complain('its trail does not begin with its creation');
  }

  #undoAction({ action, at }: Entry, label: string, empty: boolean): void {
    if (action === 'created') {
      this.#created = true;
      this.#wasInOdoo(this.#model, this.#id, this.#header, at, label);
      for (const [id, { whole, fields }] of this.#lines)
        if (whole) this.#wasInOdoo(LINE, id, fields, at, label);
    }
    const left = action === 'archived';
    if (action !== 'updated' && this.#archived !== left)
      this.#complain(`${label} does not fit what came after it`);
    if (action === 'updated' && empty) this.#complain(`${label} changes nothing`);
    if (action === 'archived') this.#archived = false;
    if (action === 'restored') this.#archived = true;
  }

  #undoHeader(changes: FieldChanges, at: number, label: string): void {
    const names = Object.keys(changes).filter((name) => !isBookkeeping(name));
    this.#expectNew(this.#header, changes, names, label);
    if (names.length > 0) this.#wasInOdoo(this.#model, this.#id, this.#header, at, label);
    for (const name of names) this.#header[name] = changes[name]?.old;
  }

  #undoAdded(added: Fields & { id: number }, at: number, label: string): void {
    const known = this.#lines.get(added.id);
    const fields = withoutBookkeeping(added);
    if (known === undefined) {
      this.#complain(`${label} adds line ${added.id}, which is not there after it`);
      return;
    }
    const differing = Object.keys(known.fields).filter(
      (name) => text(known.fields[name]) !== text(fields[name]),
    );
    if (differing.length > 0)
      this.#complain(`${label} adds line ${added.id} with another ${differing.join(', ')}`);
    this.#wasInOdoo(LINE, added.id, fields, at, label);
    this.#lines.delete(added.id);
  }

  #undoRemoved(removed: Fields & { id: number }, label: string): void {
    if (this.#lines.has(removed.id))
      this.#complain(`${label} removes line ${removed.id}, which is there after it`);
    const moved = removed['moved'] === true;
    this.#lines.set(removed.id, { whole: !moved, fields: moved ? {} : withoutBookkeeping(removed) });
  }

  #undoChanged(id: number, changes: FieldChanges, at: number, label: string): void {
    const known = this.#lines.get(id);
    if (known === undefined) {
      this.#complain(`${label} changes line ${id}, which is not there after it`);
      return;
    }
    const names = Object.keys(changes).filter((name) => !isBookkeeping(name));
    const checked = known.whole ? names : names.filter((name) => Object.hasOwn(known.fields, name));
    this.#expectNew(known.fields, changes, checked, `${label}, line ${id}`);
    if (known.whole) this.#wasInOdoo(LINE, id, known.fields, at, label);
    for (const name of names) known.fields[name] = changes[name]?.old;
  }

  #expectNew(after: Fields, changes: FieldChanges, names: readonly string[], label: string): void {
    const differing = names.filter((name) => text(after[name]) !== text(changes[name]?.new));
    if (differing.length > 0)
      this.#complain(`${label} does not lead to what came after it: ${differing.join(', ')}`);
  }

  #wasInOdoo(model: string, id: number, fields: Fields, at: number, label: string): void {
    if (this.#history.hadBefore(model, id, fields, at)) return;
    this.#complain(`${label} leaves ${model} ${id} as it had never been in Odoo by then`);
  }

  #complain(problem: string): void {
    this.problems.push(problem);
  }
}

/** The trail digests binaries itself. */
function withoutBookkeeping(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !isBookkeeping(name)));
}
