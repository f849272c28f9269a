import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../dev/sandbox-odoo/random.ts';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import type { SandboxTransaction } from '../../dev/sandbox-odoo/transaction.ts';
import type { Clock } from './clock.ts';
import type { DeskWork } from './desk-work.ts';
import { pickWork } from './desk-work.ts';
import type { History } from './history.ts';
import { BC } from './history.ts';

/** A transaction that is not committed yet. Its BCs are locked for the others. */
interface Held {
  readonly transaction: SandboxTransaction;
  readonly bcs: readonly number[];
  readonly dueMs: number;
}

const KINDS = ['at once', 'at once', 'at once', 'at once', 'soon', 'late'] as const;

/**
 * Writes without a pause, as an office does: most transactions are committed at once, some within the overlap of the
 * windows, some so late that their `write_date` is minutes old.
 */
export class Clerk {
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

  #hold(transaction: SandboxTransaction, { bcs }: DeskWork, kind: 'soon' | 'late'): void {
    if (kind === 'late') this.lateCommits += 1;
    const forMs = kind === 'late' ? this.#random.between(100, 4000) : this.#random.between(50, 1200);
    this.#held.push({ transaction, bcs, dueMs: performance.now() + forMs });
  }

  /** BCs that no open transaction touches, and whose last stamp was of another second where that matters. */
  #free(at: Date): number[] {
    const locked = new Set(this.#held.flatMap(({ bcs }) => bcs));
    return this.#odoo.ids(BC).filter((id) => !locked.has(id) && this.#clock.mayWrite(id, at));
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
