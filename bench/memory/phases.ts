import { sql } from 'drizzle-orm';
import type { Redis } from 'ioredis';
import type { RunMode, SyncLogRow } from '../../src/db/schema/sync.ts';
import { poll } from '../../src/embedded/probes.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { createLogger } from '../../src/shared/logger.ts';
import type { Context } from '../context.ts';
import { median } from '../reporting/figures.ts';
import type { Mirror } from '../setup/mirror.ts';
import { measureRun, openMirror } from '../setup/mirror.ts';
import type { Environment, ProbeReport } from '../setup/processes.ts';
import { runProgram } from '../setup/processes.ts';
import type { SandboxOdoo } from '../setup/sandbox-odoo.ts';
import { odooSettings } from '../setup/sandbox-odoo.ts';
import type { Servers } from '../setup/servers.ts';

/** A mirror of a sandbox whose processes and Redis are monitored. */
export interface MonitoredMirror extends Mirror {
  readonly context: Context;
  readonly servers: Servers;
  readonly sandbox: SandboxOdoo;
  readonly monitor: MemoryMonitor;
}

interface MonitoredOptions {
  /** Worker processes. */
  readonly workers: number;
  readonly settings?: Environment;
}

/** The cost of one phase: a run or a verify. Sizes in MB of a million bytes. */
export interface Phase {
  readonly phase: string;
  /** BCs that the run read, or that verify compared. */
  readonly documents: number;
  readonly seconds: number;
  readonly calls: number;
  /** The largest worker; the process of verify itself. */
  readonly memory: MemoryFigures;
  readonly redisMax: number;
  readonly database: number;
}

const VERIFY = 'verify';
const REPORT_LIMIT_MS = 60_000;
const REDIS_EVERY_MS = 250;

/** Opens an empty mirror and waits until every worker reports its memory. */
export async function openMonitoredMirror(
  context: Context,
  servers: Servers,
  sandbox: SandboxOdoo,
  { workers, settings = {} }: MonitoredOptions,
): Promise<MonitoredMirror> {
  const { ending, defer } = context;
  const redis = openRedis(servers.redisUrl, 'producer', createLogger('silent', 'bench'));
  defer(() => redis.disconnect());
  const monitor = new MemoryMonitor(redis);
  defer(() => monitor.stop());
  const mirror = await openMirror(
    context,
    servers,
    { ...settings, ...odooSettings(sandbox.login) },
    { workers, onReport: (worker, report) => monitor.add(worker, report) },
  );
  const reported = () => monitor.processes >= workers;
  await ending.before(poll(reported, 'the memory of every worker', REPORT_LIMIT_MS));
  return { ...mirror, context, servers, sandbox, monitor };
}

/** Measures one run. @throws MeasurementFailedError unless it succeeds with the counts `expected`. */
export async function runPhase(
  mirror: MonitoredMirror,
  phase: string,
  mode: RunMode,
  expected: Partial<SyncLogRow>,
): Promise<Phase> {
  await begin(mirror);
  const run = await measureRun(mirror.context, mirror, mode, expected, phase);
  return end(mirror, { phase, documents: run.documents, seconds: run.secondsFromRequest });
}

/** Measures `passerelle verify`. @throws MeasurementFailedError if the mirror is not equal to Odoo. */
export async function verifyPhase(mirror: MonitoredMirror): Promise<Phase> {
  const { context, servers, env, monitor } = mirror;
  await begin(mirror);
  context.screen.status(VERIFY);
  const start = performance.now();
  const output = await runProgram(context, servers.workspace, {
    ...{ name: VERIFY, module: 'dist/src/cli/main.js', args: ['verify', '--json'], env },
    onReport: (report) => monitor.add(VERIFY, report),
  });
  const seconds = (performance.now() - start) / 1000;
  const { headers: documents } = JSON.parse(output) as { headers: number };
  return end(mirror, { phase: VERIFY, documents, seconds });
}

async function begin({ sandbox, monitor }: MonitoredMirror): Promise<void> {
  await sandbox.call('calls');
  await monitor.take();
}

async function end(
  { context, db, sandbox, monitor }: MonitoredMirror,
  { phase, documents, seconds }: Pick<Phase, 'phase' | 'documents' | 'seconds'>,
): Promise<Phase> {
  const { samples, redisMax } = await monitor.take(phase);
  const [row] = await db.execute<{ size: string }>(
    sql`select pg_database_size(current_database())::text as size`,
  );
  const result = {
    ...{ phase, documents, seconds: Math.round(seconds * 10) / 10, calls: await sandbox.call('calls') },
    ...{ memory: memoryFigures(samples), redisMax: megabytes(redisMax) },
    database: megabytes(Number(row?.size)),
  };
  context.screen.line(`${phase}: ${result.seconds} s, worker at most ${result.memory.max} MB`);
  return result;
}

/** The memory of a process at a moment: bytes, and milliseconds. */
interface Sample extends ProbeReport {
  readonly at: number;
}

/** Collects the memory of processes and of Redis, phase by phase. */
class MemoryMonitor {
  readonly #redis: Redis;
  readonly #timer: NodeJS.Timeout;
  #samples = new Map<string, readonly Sample[]>();
  #redisMax = 0;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#timer = setInterval(() => void this.#readRedis().catch(() => {}), REDIS_EVERY_MS);
  }

  /** The number of processes that have reported. */
  get processes(): number {
    return this.#samples.size;
  }

  add(process: string, { rss, live }: ProbeReport): void {
    this.#samples.set(process, [...(this.#samples.get(process) ?? []), { at: Date.now(), rss, live }]);
  }

  /** The samples since the last call: those of the process `name` if it reported, else those of the largest process. */
  async take(name = ''): Promise<{ readonly samples: readonly Sample[]; readonly redisMax: number }> {
    await this.#readRedis();
    const most = (samples: readonly Sample[]) => Math.max(0, ...samples.map(({ rss }) => rss));
    const [largest = []] = [...this.#samples.values()].sort((left, right) => most(right) - most(left));
    const taken = { samples: this.#samples.get(name) ?? largest, redisMax: this.#redisMax };
    this.#samples.delete(name);
    // The last sample of a phase is also the first of the next one.
    for (const [process, samples] of this.#samples) this.#samples.set(process, samples.slice(-1));
    this.#redisMax = 0;
    return taken;
  }

  /** The most that Redis ever used, in bytes. */
  async redisPeak(): Promise<number> {
    return (await this.#redisMemory()).peak;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #readRedis(): Promise<void> {
    this.#redisMax = Math.max(this.#redisMax, (await this.#redisMemory()).used);
  }

  async #redisMemory(): Promise<{ used: number; peak: number }> {
    const info = await this.#redis.info('memory');
    const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    return { used: read('used_memory'), peak: read('used_memory_peak') };
  }
}

/** The memory of a process over one phase, in MB of a million bytes. */
interface MemoryFigures {
  readonly start: number;
  readonly median: number;
  readonly max: number;
  /** MB per minute over the second half of the phase; null if there are too few samples. */
  readonly slope: number | null;
  /** The largest heap after a full collection. */
  readonly live: number;
}

/** Fewer samples give no slope. */
const LEAST_SAMPLES = 10;

export function memoryFigures(samples: readonly Sample[]): MemoryFigures {
  const rss = samples.map((sample) => sample.rss);
  const secondHalf = samples.slice(samples.length / 2);
  return {
    start: megabytes(rss[0] ?? 0),
    median: rss.length === 0 ? 0 : megabytes(median(rss)),
    max: megabytes(Math.max(0, ...rss)),
    slope: samples.length < LEAST_SAMPLES ? null : megabytes(60_000 * slope(secondHalf)),
    live: megabytes(Math.max(0, ...samples.map((sample) => sample.live))),
  };
}

/** Bytes per millisecond, by least squares. */
function slope(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [at, rss] = [mean((sample) => sample.at), mean((sample) => sample.rss)];
  const variance = mean((sample) => (sample.at - at) ** 2);
  return variance === 0 ? 0 : mean((sample) => (sample.at - at) * (sample.rss - rss)) / variance;
}

export function megabytes(bytes: number): number {
  return Math.round(bytes / 100_000) / 10;
}
