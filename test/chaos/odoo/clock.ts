import type { Random } from '../../../dev/sandbox-odoo/random.ts';

const MINUTE_MS = 60_000;

/**
 * Odoo's clock, which may be set forwards and backwards by whole minutes. Before the scenario begins it stands two hours
 * earlier, so that no stamp of the generated data is met again.
 */
export class Clock {
  readonly #random: Random;
  readonly #start = Date.now();
  readonly #given = new Set<number>();
  readonly #lastWrite = new Map<number | string, number>();
  readonly #mayRepeat: boolean;
  #offsetMs = -120 * MINUTE_MS;
  #headerMs = 0;

  /** `skewed`: the clock will be set during the scenario. */
  constructor(random: Random, skewed: boolean) {
    this.#random = random;
    this.#mayRepeat = !skewed;
  }

  begin(): void {
    this.#offsetMs = 0;
  }

  readonly now = (): Date => new Date(Date.now() + this.#offsetMs);

  /** The clock of the HTTP `Date` header: that of the host of Odoo, or of a proxy. */
  readonly headerNow = (): Date => new Date(this.now().getTime() + this.#headerMs);

  /** Moves the clock of the header away from the one that stamps the records, or back to it. */
  skewHeader(minutes: number): void {
    this.#headerMs = minutes * MINUTE_MS;
  }

  skew(minutes: number): void {
    // Never far from the truth: the seconds of late transactions stay theirs alone.
    this.#offsetMs = this.#offsetMs === 0 ? minutes * MINUTE_MS : 0;
  }

  /** The start of a transaction that began 15 to 60 minutes ago. No second is given twice. */
  longAgo(): Date {
    for (;;) {
      const second = Math.floor(this.#start / 1000) - this.#random.between(15 * 60, 60 * 60);
      if (this.#given.has(second)) continue;
      this.#given.add(second);
      return new Date(second * 1000 + this.#random.between(0, 999));
    }
  }

  /** @param records ids of BCs, or texts that name records of other models. */
  noteWrite(records: readonly (number | string)[], at: Date): void {
    for (const id of records) this.#lastWrite.set(id, second(at));
  }

  /**
   * A sweep distinguishes two states of a record by their `write_date`, which has whole seconds; two writes within one second
   * are covered by the overlap of the windows. A clock change in between defeats that: this limit is left out here.
   */
  mayWrite(record: number | string, at: Date): boolean {
    return this.#mayRepeat || this.#lastWrite.get(record) !== second(at);
  }
}

const second = (at: Date): number => Math.floor(at.getTime() / 1000);
