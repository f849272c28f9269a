import type { Redis } from 'ioredis';
import type { Sample } from './figures.ts';
import type { ProbeReport } from './process.ts';

const REDIS_EVERY_MS = 250;

/** The measurements of the processes and of Redis, phase by phase. */
export class Watch {
  /** The name of a process that is watched instead of all others. */
  static readonly ALONE = 'alone';
  readonly #redis: Redis;
  #samples = new Map<string, readonly Sample[]>();
  #redisMax = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(redis: Redis) {
    this.#redis = redis;
    this.#timer = setInterval(() => void this.#look().catch(() => {}), REDIS_EVERY_MS);
  }

  /** The receiver of a process's probe. */
  listener(name: string): (report: ProbeReport) => void {
    return ({ rss, live }) => {
      const seen = this.#samples.get(name) ?? [];
      this.#samples.set(name, [...seen, { at: Date.now(), rss, live }]);
    };
  }

  /** Whether every process was heard of. */
  hears(processes: number): boolean {
    return this.#samples.size >= processes;
  }

  /** The samples since the last call, the largest of all processes. */
  async take(): Promise<{ readonly samples: readonly Sample[]; readonly redisMax: number }> {
    await this.#look();
    const most = (samples: readonly Sample[]) => Math.max(0, ...samples.map(({ rss }) => rss));
    const [samples = []] = [...this.#samples.values()].sort((left, right) => most(right) - most(left));
    const seen = { samples: this.#samples.get(Watch.ALONE) ?? samples, redisMax: this.#redisMax };
    // A phase begins with what the one before ended with.
    const last = [...this.#samples].map(([name, seen]) => [name, seen.slice(-1)] as const);
    this.#samples = new Map(last.filter(([name]) => name !== Watch.ALONE));
    this.#redisMax = 0;
    return seen;
  }

  /** The most that Redis ever used, by its own account. */
  async redisPeak(): Promise<number> {
    return (await this.#memory()).peak;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    this.#redisMax = Math.max(this.#redisMax, (await this.#memory()).used);
  }

  async #memory(): Promise<{ used: number; peak: number }> {
    const info = await this.#redis.info('memory');
    const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
    return { used: read('used_memory'), peak: read('used_memory_peak') };
  }
}
