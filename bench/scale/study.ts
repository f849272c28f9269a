import { count, type Ending, type Screen, type Stage } from '../../dev/demo/context.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import type { Servers } from '../frame/servers.ts';
import { startServers } from '../frame/servers.ts';
import { runPhase } from '../memory/phases.ts';
import type { MeasuredSandbox } from '../memory/stage.ts';
import { setStage, startSandbox } from '../memory/stage.ts';
import { noOpRate } from './rival.ts';

export interface StudyOptions {
  /** BCs in the sandbox, ascending. */
  readonly sizes: readonly number[];
  /** Worker processes, one number after the other. */
  readonly workers: readonly number[];
  readonly rounds: number;
}

/** One full sync of so many BCs by so many workers, and what stood beside it. Sizes in MB of a million bytes. */
export interface Measured {
  readonly documents: number;
  readonly lines: number;
  readonly workers: number;
  readonly seconds: number;
  /** BCs per second of a BullMQ worker that does nothing with them, before and after ours; null beside several workers. */
  readonly noOp: number | null;
  /** The most that the largest worker took. */
  readonly rss: number;
  readonly redis: number;
  readonly database: number;
  /** A run with nothing to do, once the full one was over. */
  readonly incremental: { readonly seconds: number; readonly calls: number };
}

interface Study {
  readonly measured: readonly Measured[];
  /** Versions by name. */
  readonly versions: Readonly<Record<string, string>>;
}

const LINES = 5;
/** The sandbox's newest BCs are a minute old: with a longer overlap the next window would read some of them again. */
const SETTINGS = { SYNC_OVERLAP: '30s' };

/** Every size with every number of workers, round after round. @throws MeasurementFailedError, BenchFailedError */
export async function study(options: StudyOptions, ending: Ending, screen: Screen): Promise<Study> {
  return withResources(async (defer) => {
    const stage = { ending, screen, defer };
    const servers = await startServers(stage);
    const measured: Measured[] = [];
    for (const documents of options.sizes) {
      measured.push(...(await studySize(stage, servers, documents, options)));
    }
    return { measured, versions: servers.versions };
  });
}

/** One sandbox for all that is measured with it. */
async function studySize(
  { ending, screen }: Stage,
  servers: Servers,
  documents: number,
  { workers, rounds }: StudyOptions,
): Promise<Measured[]> {
  return withResources(async (defer) => {
    const stage = { ending, screen, defer };
    screen.status(`a sandbox with ${count(documents)} BC`);
    const sandbox = await startSandbox(stage, servers.workspace, { documents, lines: LINES, text: 0 });
    const measured: Measured[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const number of round % 2 === 0 ? workers : workers.toReversed()) {
        measured.push(await measureOnce(stage, servers, sandbox, number));
      }
    }
    return measured;
  });
}

/** With a database, a Redis prefix and workers of its own. */
async function measureOnce(
  { ending, screen }: Stage,
  servers: Servers,
  sandbox: MeasuredSandbox,
  workers: number,
): Promise<Measured> {
  return withResources(async (defer) => {
    const stage = await setStage({ ending, screen, defer }, servers, sandbox, {
      workers,
      settings: SETTINGS,
    });
    const { documents, lines } = sandbox.size;
    const name = `${count(documents)} BC, ${workers === 1 ? '1 worker' : `${workers} workers`}`;
    const before = workers === 1 ? await noOpRate(stage, documents) : null;
    const full = await runPhase(stage, `${name}: full`, 'full', { created: documents });
    const incremental = await runPhase(stage, `${name}: nothing to do`, 'incremental', {
      ...{ seen: 0, created: 0, updated: 0 },
    });
    const after = workers === 1 ? await noOpRate(stage, documents) : null;
    return {
      ...{ documents, lines, workers, seconds: full.seconds },
      noOp: before === null || after === null ? null : (before + after) / 2,
      ...{ rss: full.memory.max, redis: full.redisMax, database: full.database },
      incremental: { seconds: incremental.seconds, calls: incremental.calls },
    };
  });
}
