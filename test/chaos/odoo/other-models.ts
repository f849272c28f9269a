import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../../dev/sandbox-odoo/random.ts';
import type { SandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { duration } from '../pace.ts';
import type { Clock } from './clock.ts';
import type { Fields, History } from './history.ts';

/** A mirror beside `bc`, and its tables: written out, so that nothing of the product takes part in the checks. */
export interface OtherMirror {
  readonly name: string;
  readonly model: string;
  readonly table: string;
  readonly audit: string;
  /** Whether a record is in the domain of the mirror. */
  readonly has: (record: Fields) => boolean;
}

const PARTNERS: OtherMirror = {
  ...{ name: 'partners', model: 'res.partner', table: 'scrap_res_partner' },
  ...{ audit: 'scrap_res_partner_audit', has: () => true },
};
/** A product with this code is outside of the domain. */
const OUTSIDE = 'OUTSIDE';
const PRODUCTS: OtherMirror = {
  ...{ name: 'products', model: 'dimagaz.product', table: 'scrap_dimagaz_product' },
  ...{ audit: 'scrap_dimagaz_product_audit', has: ({ code }) => code !== OUTSIDE },
};
export const OTHER_MIRRORS: readonly OtherMirror[] = [PARTNERS, PRODUCTS];

interface FileOptions {
  /** Null: nothing starts by itself. */
  readonly everyMs: number | null;
  /** The models of the mirror `bc`. */
  readonly bc?: { readonly model: string; readonly lines: string };
}

/** The text of MIRRORS_FILE. The mirror `bc` has the pace of the environment. JSON is YAML. */
export function mirrorsFile({
  everyMs,
  bc = { model: 'dimagaz.bc', lines: 'dimagaz.bc.line' },
}: FileOptions): string {
  const pace =
    everyMs === null
      ? { every: 'off', sweep: 'off' }
      : { every: duration(everyMs), sweep: duration(2 * everyMs) };
  return JSON.stringify({
    mirrors: {
      bc,
      partners: { model: PARTNERS.model, full: 'off', ...pace },
      products: { model: PRODUCTS.model, full: 'off', domain: [['code', '!=', OUTSIDE]], ...pace },
    },
  });
}

/** So many that a sweep may archive all that leave the domain: 50 in a day, and at most half of a mirror. */
const MORE_PRODUCTS = 100;
const MOST_DELETED = 10;
const MOST_OUTSIDE = 3;

interface Held {
  readonly commit: () => void;
  readonly key: string;
  readonly dueMs: number;
}

/** Writes partners and products beside the BCs: at once, soon, or late. It never touches a name, which BCs show. */
export class OtherWriter {
  commits = 0;
  readonly #odoo: SandboxOdoo;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #history: History;
  readonly #created: number[] = [];
  #deleted = 0;
  #held: Held[] = [];
  #stopped = false;
  #work: Promise<void> = Promise.resolve();

  constructor(odoo: SandboxOdoo, random: Random, clock: Clock, history: History) {
    this.#odoo = odoo;
    this.#random = random;
    this.#clock = clock;
    this.#history = history;
    for (let at = 0; at < MORE_PRODUCTS; at += 1)
      odoo.create(PRODUCTS.model, { name: `product ${at}`, code: `MORE-${at}`, price: at });
    for (const { model } of OTHER_MIRRORS) history.noteRecords(model, odoo.ids(model), 0);
  }

  start(): void {
    this.#work = this.#writeOn();
  }

  /** Commits open transactions, and then changes one record of each model: the mirrors must still follow. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
    this.#commitHeld(Number.POSITIVE_INFINITY);
    this.#change(PARTNERS.model, this.#free(PARTNERS.model, this.#clock.now()), { city: 'Afterwards' }, 0);
    this.#change(PRODUCTS.model, this.#free(PRODUCTS.model, this.#clock.now()), { price: 0.25 }, 0);
  }

  async #writeOn(): Promise<void> {
    while (!this.#stopped) {
      this.#commitHeld(performance.now());
      this.#write();
      await pause(this.#random.between(50, 200));
    }
  }

  #write(): void {
    const random = this.#random;
    const kind = random.pick(['at once', 'at once', 'soon', 'late'] as const);
    const at = kind === 'late' ? this.#clock.longAgo() : this.#clock.now();
    const forMs = { 'at once': 0, soon: random.between(50, 1200), late: random.between(100, 4000) }[kind];
    const partners = this.#free(PARTNERS.model, at);
    const products = this.#free(PRODUCTS.model, at);
    random.pick([
      () => this.#change(PARTNERS.model, partners, { city: `city ${random.between(0, 1e6)}` }, forMs, at),
      () =>
        this.#change(PARTNERS.model, partners, { email: `${random.between(0, 1e6)}@x.example` }, forMs, at),
      () => this.#change(PRODUCTS.model, products, { price: random.between(1, 1e6) / 100 }, forMs, at),
      () => this.#moveProduct(products, forMs, at),
      () => this.#createPartner(at),
      () => this.#deletePartner(),
    ])();
  }

  #change(
    model: string,
    free: readonly number[],
    values: Fields,
    forMs: number,
    at = this.#clock.now(),
  ): void {
    const id = free[this.#random.between(0, free.length - 1)];
    if (id === undefined) return;
    const key = `${model} ${id}`;
    const transaction = this.#odoo.begin(at);
    transaction.write(model, [id], values as never);
    this.#clock.noteWrite([key], at);
    const commit = () => {
      transaction.commit();
      this.#history.noteRecords(model, [id]);
      this.commits += 1;
    };
    if (forMs === 0) commit();
    else this.#held.push({ commit, key, dueMs: performance.now() + forMs });
  }

  /** Out of the domain, or back into it. */
  #moveProduct(free: readonly number[], forMs: number, at: Date): void {
    const outside = this.#odoo
      .read(PRODUCTS.model, this.#odoo.ids(PRODUCTS.model))
      .filter((record) => !PRODUCTS.has(record))
      .map(({ id }) => id);
    const back = outside.length >= MOST_OUTSIDE || this.#random.chance(0.5);
    const some = free.filter((id) => outside.includes(id) === back);
    this.#change(
      PRODUCTS.model,
      some,
      { code: back ? `BACK-${this.#random.between(0, 1e6)}` : OUTSIDE },
      forMs,
      at,
    );
  }

  #createPartner(at: Date): void {
    const transaction = this.#odoo.begin(at);
    const id = transaction.create(PARTNERS.model, { name: `partner ${this.#random.between(0, 1e9)}` });
    transaction.commit();
    this.#clock.noteWrite([`${PARTNERS.model} ${id}`], at);
    this.#history.noteRecords(PARTNERS.model, [id]);
    this.#created.push(id);
    this.commits += 1;
  }

  /** Only partners that no BC names. */
  #deletePartner(): void {
    const free = this.#free(PARTNERS.model, this.#clock.now());
    const id = this.#created.find((created) => free.includes(created));
    if (id === undefined || this.#deleted >= MOST_DELETED) return;
    const transaction = this.#odoo.begin(this.#clock.now());
    transaction.unlink(PARTNERS.model, [id]);
    transaction.commit();
    this.#deleted += 1;
    this.commits += 1;
  }

  #free(model: string, at: Date): number[] {
    const locked = new Set(this.#held.map(({ key }) => key));
    return this.#odoo.ids(model).filter((id) => {
      const key = `${model} ${id}`;
      return !locked.has(key) && this.#clock.mayWrite(key, at);
    });
  }

  #commitHeld(nowMs: number): void {
    const due = this.#held.filter(({ dueMs }) => dueMs <= nowMs);
    this.#held = this.#held.filter(({ dueMs }) => dueMs > nowMs);
    for (const { commit } of due) commit();
  }
}
