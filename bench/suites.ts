import { count, type Ending, type Screen } from '../dev/demo/context.ts';
import { measureReadApi } from './api/bench.ts';
import { measureDecode } from './decode/bench.ts';
import type { Figure } from './frame/figure.ts';
import { measureGateway } from './gateway/bench.ts';
import { measureIncremental } from './incremental/bench.ts';
import { measureFreshness } from './incremental/freshness.ts';
import { measureSync } from './sync/bench.ts';

export interface SuiteOptions {
  readonly rounds: number;
  /** Less of everything, for a look. */
  readonly quick: boolean;
  /** BCs in the sandbox; null: as many as the suite finds right. */
  readonly documents: number | null;
}

/** Some figures that are measured together. */
interface Suite {
  /** Whether PostgreSQL and Redis take part. */
  readonly stores: boolean;
  /** How much is measured: `10,000 BC`. */
  readonly size: (options: SuiteOptions) => string;
  readonly measure: (options: SuiteOptions, ending: Ending, screen: Screen) => Promise<Figure[]>;
}

/** As many as the mirror reads in one page. */
const DECODED_PAGE = 500;

function pollSize({ quick, documents }: SuiteOptions): number {
  return documents ?? (quick ? QUICK_SYNC : SYNC).documents;
}

/** Watched from their commit to the read API. */
function changesOf({ quick }: SuiteOptions): number {
  return quick ? 5 : 100;
}

const SYNC = { documents: 10_000, sample: 1000 };
const QUICK_SYNC = { documents: 1000, sample: 100 };

/** So many that a page's cost would show it. */
const READ_DOCUMENTS = 1_000_000;
const QUICK_READ_DOCUMENTS = 10_000;
const LINES = 5;

function readSize({ quick, documents }: SuiteOptions): { documents: number; lines: number } {
  return { documents: documents ?? (quick ? QUICK_READ_DOCUMENTS : READ_DOCUMENTS), lines: LINES };
}

/** Duration of the load, for each contender in a round. */
function secondsOf({ quick }: SuiteOptions): number {
  return quick ? 1 : 5;
}

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
  api: {
    stores: true,
    size: (options) => {
      const { documents, lines } = readSize(options);
      return `${count(documents)} BC, ${lines} lines each`;
    },
    measure: (options, ending, screen) => {
      const load = { rounds: options.rounds, seconds: secondsOf(options) };
      return measureReadApi({ ...load, ...readSize(options) }, ending, screen);
    },
  },
  gateway: {
    stores: true,
    size: () => '',
    measure: (options, ending, screen) => {
      const load = { rounds: options.rounds, seconds: secondsOf(options) };
      return measureGateway({ ...load, misses: options.quick ? 100 : 1000 }, ending, screen);
    },
  },
  incremental: {
    stores: true,
    size: (options) => `${count(pollSize(options))} BC, ${changesOf(options)} changes`,
    measure: async (options, ending, screen) => {
      const { rounds } = options;
      const documents = pollSize(options);
      const polling = { rounds, documents, protocol: 'json2', odoo: null } as const;
      const poll = await measureIncremental(polling, ending, screen);
      const changes = changesOf(options);
      return [...poll, ...(await measureFreshness({ documents, changes }, ending, screen))];
    },
  },
  decode: {
    stores: false,
    size: () => `pages of ${DECODED_PAGE} BC`,
    measure: ({ rounds }, ending) => ending.before(measureDecode({ rounds, documents: DECODED_PAGE })),
  },
} satisfies Record<string, Suite>;

export type SuiteName = keyof typeof suites;
export const SUITE_NAMES = Object.keys(suites) as SuiteName[];
