import { setTimeout as pause } from 'node:timers/promises';
import type { Values } from '../../../dev/sandbox-odoo/orm/store.ts';
import type { SandboxTransaction } from '../../../dev/sandbox-odoo/orm/transaction.ts';
import type { Random } from '../../../dev/sandbox-odoo/random.ts';
import type { SandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import type { Clock } from './clock.ts';
import { BC, type History, LINE } from './history.ts';

/** The work of one transaction, and the BCs whose content it changes. */
export interface TransactionWork {
  readonly bcs: readonly number[];
  readonly write: (transaction: SandboxTransaction) => void;
  readonly deletes?: boolean;
}

interface Limits {
  readonly mayDelete: boolean;
  /** False: it is committed at once, so it may also be done in SQL. */
  readonly transactional: boolean;
}

type Draw = (odoo: SandboxOdoo, random: Random, free: readonly number[]) => TransactionWork | null;

/** The work of one transaction on unlocked BCs; null if there is no suitable record. */
function pickWork(
  odoo: SandboxOdoo,
  random: Random,
  free: readonly number[],
  limits: Limits,
): TransactionWork | null {
  const deletions = limits.mayDelete ? DELETIONS : [];
  const inSql = limits.transactional ? [] : [eraseLine, ...(limits.mayDelete ? [eraseBc] : [])];
  const draw = random.pick([createBc, ...USUAL, ...deletions, ...inSql]);
  return draw(odoo, random, free);
}

const writeHeaders: Draw = (_, random, free) => {
  const bcs = some(random, free, random.between(1, 3));
  const values = { priority: random.between(0, 1e6), notes: `note ${random.between(0, 1e9)}` };
  return bcs.length === 0 ? null : { bcs, write: (transaction) => transaction.write(BC, bcs, values) };
};

const writeMany: Draw = (_, random, free) => {
  const bcs = some(random, free, random.between(8, 20));
  const values = { discount_rate: random.between(0, 9999) / 10_000, urgent: random.chance(0.5) };
  return bcs.length === 0 ? null : { bcs, write: (transaction) => transaction.write(BC, bcs, values) };
};

const onHeader =
  (values: (random: Random) => Values): Draw =>
  (_, random, free) => {
    const bcs = some(random, free, 1);
    const drawn = values(random);
    return bcs.length === 0 ? null : { bcs, write: (transaction) => transaction.write(BC, bcs, drawn) };
  };

/** Equal sizes now and then: the size text alone does not show that the content changed. */
const scan = (random: Random): string =>
  Buffer.alloc(random.pick([600, 600, 40_000, 400_000]), `${random.between(1e8, 9e8)} `).toString('base64');

const onLine =
  (values: (random: Random) => Values): Draw =>
  (odoo, random, free) => {
    const line = aLine(odoo, random, free);
    const drawn = values(random);
    if (line === null) return null;
    return { bcs: [line.bc], write: (transaction) => transaction.write(LINE, [line.id], drawn) };
  };

const createLine: Draw = (_, random, free) => {
  const [bc] = some(random, free, 1);
  if (bc === undefined) return null;
  const values = lineValues(random);
  return { bcs: [bc], write: (transaction) => void transaction.create(LINE, { ...values, bc_id: bc }) };
};

const moveLine: Draw = (odoo, random, free) => {
  const line = aLine(odoo, random, free);
  const [bc] = some(random, free, 1);
  if (line === null || bc === undefined || bc === line.bc) return null;
  return { bcs: [line.bc, bc], write: (transaction) => transaction.write(LINE, [line.id], { bc_id: bc }) };
};

const deleteLine: Draw = (odoo, random, free) => {
  const line = aLine(odoo, random, free);
  if (line === null) return null;
  return { bcs: [line.bc], write: (transaction) => transaction.unlink(LINE, [line.id]) };
};

const eraseLine: Draw = (odoo, random, free) => {
  const line = aLine(odoo, random, free);
  if (line === null) return null;
  return { bcs: [line.bc], write: () => odoo.erase(LINE, [line.id]) };
};

/** Its id is known at once, its content with the commit. */
const createBc: Draw = (_, random) => {
  const lines = Array.from({ length: random.between(0, 12) }, () => lineValues(random));
  const bcs: number[] = [];
  return {
    bcs,
    write: (transaction) => {
      const values = {
        name: `BC/CHAOS/${random.between(0, 1e9)}`,
        notes: random.chance(0.5) ? 'né ici' : null,
      };
      bcs.push(transaction.create(BC, { ...values, line_ids: lines.map((line) => [0, 0, line] as const) }));
    },
  };
};

const deleteBc: Draw = (_, random, free) => {
  const bcs = some(random, free, 1);
  if (bcs.length === 0) return null;
  return { bcs, deletes: true, write: (transaction) => transaction.unlink(BC, bcs) };
};

const eraseBc: Draw = (odoo, random, free) => {
  const bcs = some(random, free, 1);
  return bcs.length === 0 ? null : { bcs, deletes: true, write: () => odoo.erase(BC, bcs) };
};

const USUAL: readonly Draw[] = [
  ...[
    writeHeaders,
    writeHeaders,
    writeHeaders,
    writeMany,
    createLine,
    createLine,
    moveLine,
    moveLine,
    deleteLine,
  ],
  onHeader(() => ({})),
  onHeader((random) => ({ name: `BC/${random.between(0, 1e9)}` })),
  onHeader((random) => ({ active: random.chance(0.5) })),
  onHeader((random) => ({ currency_id: random.between(1, 2) })),
  onHeader((random) => ({ scan: random.chance(0.8) ? scan(random) : null })),
  // Nothing of these two reaches the header.
  onLine((random) => ({ note: `note ${random.between(0, 1e9)}` })),
  onLine((random) => ({ photo: scan(random) })),
  onLine((random) => ({ quantity: random.between(1, 1000), price_unit: random.between(1, 9999) / 100 })),
  onLine((random) => ({ active: random.chance(0.7) })),
];

const DELETIONS: readonly Draw[] = [deleteBc];

const lineValues = (random: Random): Values => ({
  name: `ligne ${random.between(0, 1e9)}`,
  quantity: random.between(1, 50),
  price_unit: random.between(1, 9999) / 100,
});

function some(random: Random, free: readonly number[], most: number): number[] {
  const picked = Array.from({ length: most }, () => free[random.between(0, free.length - 1)]);
  return [...new Set(picked.filter((id) => id !== undefined))];
}

/** Some line of an unlocked BC. */
function aLine(
  odoo: SandboxOdoo,
  random: Random,
  free: readonly number[],
): { id: number; bc: number } | null {
  const [bc] = some(random, free, 1);
  if (bc === undefined) return null;
  const lines = odoo.read(BC, [bc])[0]?.['line_ids'];
  const id: unknown = Array.isArray(lines) ? lines[random.between(0, lines.length - 1)] : undefined;
  return typeof id === 'number' ? { id, bc } : null;
}

/** A transaction that is not committed yet. Its BCs are locked for the others. */
interface Held {
  readonly transaction: SandboxTransaction;
  readonly bcs: readonly number[];
  readonly dueMs: number;
}

const CHANGED_AFTERWARDS = 6;
const DELETED_AFTERWARDS = 3;

const KINDS = ['at once', 'at once', 'at once', 'at once', 'soon', 'late'] as const;

/**
 * Writes without a pause, as a company does: most transactions are committed at once, some within the overlap of the
 * windows, some so late that their `write_date` is minutes old.
 */
export class OdooWriter {
  commits = 0;
  /** Transactions whose stamps no later window would reach. */
  lateCommits = 0;
  deleted = 0;
  /** Few at first, so that some BCs are deleted that the mirror has already. */
  mostDeleted = 8;
  readonly #odoo: SandboxOdoo;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #history: History;
  readonly #reserved = new Set<number>();
  #held: Held[] = [];
  #stopped = false;
  #work: Promise<void> = Promise.resolve();

  constructor(odoo: SandboxOdoo, random: Random, clock: Clock, history: History) {
    this.#odoo = odoo;
    this.#random = random;
    this.#clock = clock;
    this.#history = history;
  }

  start(): void {
    this.#work = this.#writeOn();
  }

  /** Leaves these BCs alone from now on. Returns those that no open transaction changes. */
  reserve(bcs: readonly number[]): number[] {
    const locked = this.#locked();
    const free = bcs.filter((id) => !locked.has(id));
    for (const id of free) this.#reserved.add(id);
    return free;
  }

  /** Changes some of these BCs and deletes others. Returns both: nothing may keep the mirror from following. */
  aftermath(known: readonly number[]): number[] {
    const at = this.#clock.now();
    const free = known.filter((id) => this.#odoo.ids(BC).includes(id) && this.#clock.mayWrite(id, at));
    const changed = some(this.#random, free, CHANGED_AFTERWARDS);
    const deleted = some(this.#random, free, DELETED_AFTERWARDS).filter((id) => !changed.includes(id));
    const transaction = this.#odoo.begin(at);
    transaction.write(BC, changed, { notes: `afterwards ${this.#random.between(0, 1e9)}` });
    transaction.unlink(BC, deleted);
    this.deleted += deleted.length;
    this.#commit({ transaction, bcs: [...changed, ...deleted], dueMs: 0 });
    return [...changed, ...deleted];
  }

  /** Commits open transactions and stops. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
    this.#commitHeld(Number.POSITIVE_INFINITY);
  }

  async #writeOn(): Promise<void> {
    while (!this.#stopped) {
      this.#commitHeld(performance.now());
      this.#write();
      await pause(this.#random.between(10, 70));
    }
  }

  #write(): void {
    const random = this.#random;
    const kind = random.pick(KINDS);
    const at = kind === 'late' ? this.#clock.longAgo() : this.#clock.now();
    const free = this.#free(at);
    const work = pickWork(this.#odoo, random, free, {
      mayDelete: this.deleted < this.mostDeleted,
      transactional: kind !== 'at once',
    });
    if (work === null) return;
    const transaction = this.#odoo.begin(at);
    work.write(transaction);
    this.#clock.noteWrite(work.bcs, at);
    if (work.deletes) this.deleted += work.bcs.length;
    if (kind === 'at once') this.#commit({ transaction, bcs: work.bcs, dueMs: 0 });
    else this.#hold(transaction, work, kind);
  }

  #hold(transaction: SandboxTransaction, { bcs }: TransactionWork, kind: 'soon' | 'late'): void {
    if (kind === 'late') this.lateCommits += 1;
    const forMs = kind === 'late' ? this.#random.between(100, 4000) : this.#random.between(50, 1200);
    this.#held.push({ transaction, bcs, dueMs: performance.now() + forMs });
  }

  /** BCs that no open transaction touches, and whose last stamp was of another second where that matters. */
  #free(at: Date): number[] {
    const locked = this.#locked();
    return this.#odoo
      .ids(BC)
      .filter((id) => !locked.has(id) && !this.#reserved.has(id) && this.#clock.mayWrite(id, at));
  }

  #locked(): Set<number> {
    return new Set(this.#held.flatMap(({ bcs }) => bcs));
  }

  #commitHeld(nowMs: number): void {
    const due = this.#held.filter(({ dueMs }) => dueMs <= nowMs);
    this.#held = this.#held.filter(({ dueMs }) => dueMs > nowMs);
    for (const held of due) this.#commit(held);
  }

  #commit({ transaction, bcs }: Held): void {
    transaction.commit();
    this.#history.note(bcs);
    this.commits += 1;
  }
}
