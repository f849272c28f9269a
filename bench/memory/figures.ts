/** One look at a process: bytes, at a moment in milliseconds. */
export interface Sample {
  readonly at: number;
  readonly rss: number;
  readonly live: number;
}

/** A process over one phase, in MB of a million bytes. */
interface MemoryFigures {
  readonly start: number;
  readonly median: number;
  readonly max: number;
  /** MB per minute over the second half of the phase; null if there are too few samples. */
  readonly slope: number | null;
  /** The most that a collection of the whole heap left of it. */
  readonly live: number;
}

const FEWEST = 10;

export function memoryFigures(samples: readonly Sample[]): MemoryFigures {
  const rss = samples.map((sample) => sample.rss);
  return {
    start: megabytes(rss[0] ?? 0),
    median: megabytes(median(rss)),
    max: megabytes(Math.max(0, ...rss)),
    slope: samples.length < FEWEST ? null : megabytes(60_000 * slope(samples.slice(samples.length / 2))),
    live: megabytes(Math.max(0, ...samples.map((sample) => sample.live))),
  };
}

export function megabytes(bytes: number): number {
  return Math.round(bytes / 100_000) / 10;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Bytes per millisecond, by least squares. */
function slope(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [at, rss] = [mean((sample) => sample.at), mean((sample) => sample.rss)];
  const spread = mean((sample) => (sample.at - at) ** 2);
  return spread === 0 ? 0 : mean((sample) => (sample.at - at) * (sample.rss - rss)) / spread;
}

/** The cost of one phase. Sizes in MB of a million bytes. */
export interface Phase {
  readonly phase: string;
  /** BCs that the phase read and stored, or that verify compared. */
  readonly documents: number;
  readonly seconds: number;
  readonly calls: number;
  /** The largest worker; for verify its own process. */
  readonly memory: MemoryFigures;
  readonly redisMax: number;
  readonly database: number;
}
