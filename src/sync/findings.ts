/** What a verification counts. All of them 0 is what a mirror should be. */
export const KINDS = [
  'missing',
  'extra',
  'different',
  'unreadable',
  'duplicates',
  'orphanLines',
  'badHashes',
  'openItems',
] as const;
export type FindingKind = (typeof KINDS)[number];

export interface Example {
  readonly model: string;
  /** The id in Odoo. */
  readonly id: number;
  /** The fields that differ. */
  readonly fields?: readonly string[];
  /** The run that still owes the item. */
  readonly runId?: number;
}

export type Verification = Readonly<Record<FindingKind, number>> & {
  readonly ok: boolean;
  /** Changes of the model that not every record was read after: the next run reads them all. */
  readonly modelChanges: number;
  /** BCs that Odoo listed. */
  readonly headers: number;
  /** Lines that Odoo listed. */
  readonly lines: number;
  /** The first few of each kind. */
  readonly examples: Readonly<Record<FindingKind, readonly Example[]>>;
};

const MOST_EXAMPLES = 20;

/** Counts findings and keeps a few examples of each kind, so that memory stays flat whatever is found. */
export class Findings {
  readonly #counts = perKind(() => 0);
  readonly #examples = perKind((): Example[] => []);

  add(kind: FindingKind, example: Example): void {
    this.addAll(kind, 1, [example]);
  }

  addAll(kind: FindingKind, count: number, examples: readonly Example[]): void {
    this.#counts[kind] += count;
    const kept = this.#examples[kind];
    kept.push(...examples.slice(0, MOST_EXAMPLES - kept.length));
  }

  result(compared: Pick<Verification, 'headers' | 'lines' | 'modelChanges'>): Verification {
    const ok = KINDS.every((kind) => this.#counts[kind] === 0);
    return { ok, ...this.#counts, ...compared, examples: this.#examples };
  }
}

function perKind<T>(value: () => T): Record<FindingKind, T> {
  return Object.fromEntries(KINDS.map((kind) => [kind, value()])) as Record<FindingKind, T>;
}
