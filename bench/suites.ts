import type { Ending } from '../dev/demo/ending.ts';
import { count } from '../dev/demo/progress.ts';
import type { Screen } from '../dev/demo/screen.ts';
import type { Figure } from './frame/figure.ts';
import { measureGateway } from './gateway/bench.ts';
import { measureSync } from './sync/bench.ts';

export interface SuiteOptions {
  readonly rounds: number;
  /** Less of everything, for a look. */
  readonly quick: boolean;
  /** BCs in the sandbox; null: as many as the suite finds right. */
  readonly documents: number | null;
}

/** Some figures that are measured together. */
export interface Suite {
  /** Whether PostgreSQL and Redis take part. */
  readonly stores: boolean;
  /** How much is measured: `10,000 BC`. */
  readonly size: (options: SuiteOptions) => string;
  readonly measure: (options: SuiteOptions, ending: Ending, screen: Screen) => Promise<Figure[]>;
}

const SYNC = { documents: 10_000, sample: 1000 };
const QUICK_SYNC = { documents: 1000, sample: 100 };

function syncSize({ quick, documents }: SuiteOptions): { documents: number; sample: number } {
  const size = quick ? QUICK_SYNC : SYNC;
  const all = documents ?? size.documents;
  return { documents: all, sample: Math.min(size.sample, all) };
}

/** What `npm run bench` can measure, in this order. */
export const suites = {
  sync: {
    stores: true,
    size: (options) => {
      const { documents, sample } = syncSize(options);
      return `${count(documents)} BC, the naive rival ${count(sample)} of them`;
    },
    measure: (options, ending, screen) =>
      measureSync({ rounds: options.rounds, ...syncSize(options) }, ending, screen),
  },
  gateway: {
    stores: true,
    size: () => '',
    measure: ({ rounds, quick }, ending, screen) =>
      measureGateway({ rounds, seconds: quick ? 1 : 5, misses: quick ? 100 : 1000 }, ending, screen),
  },
} satisfies Record<string, Suite>;

export type SuiteName = keyof typeof suites;
export const SUITE_NAMES = Object.keys(suites) as SuiteName[];
