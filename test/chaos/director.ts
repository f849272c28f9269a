import { setTimeout as pause } from 'node:timers/promises';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import type { RunMode } from '../../src/db/schema/sync.ts';
import type { Clock } from './clock.ts';
import type { Crew } from './crew.ts';
import { BC, LINE } from './history.ts';
import type { Lane } from './lane.ts';
import type { Disturbance, Schedule } from './schedule.ts';

export interface Stage {
  readonly odoo: SandboxOdoo;
  readonly lane: Lane;
  readonly crew: Crew;
  readonly clock: Clock;
  /** Asks for a run as the API does. */
  readonly request: (mode: RunMode, odooIds?: readonly number[]) => Promise<number>;
}

/** Lets the schedule happen. What it broke is mended again by the time this returns, dead workers excepted. */
export async function disturb(stage: Stage, { forMs, disturbances }: Schedule): Promise<void> {
  const begin = performance.now();
  const until = (atMs: number) => pause(Math.max(0, begin + atMs - performance.now()));
  const acts: Promise<void>[] = [];
  for (const { atMs, disturbance } of disturbances) {
    await until(atMs);
    acts.push(act(stage, disturbance, until, forMs));
  }
  await until(forMs);
  await Promise.all(acts);
}

async function act(
  stage: Stage,
  disturbance: Disturbance,
  until: (atMs: number) => Promise<void>,
  forMs: number,
): Promise<void> {
  const { odoo, lane, crew, clock } = stage;
  const { faults } = odoo;
  /** Nothing lasts longer than the story. */
  const lasts = async (ms: number, lift: () => void) => {
    await Promise.race([pause(ms), until(forMs)]);
    lift();
  };
  switch (disturbance.kind) {
    case 'kill':
      crew.kill(disturbance.worker);
      await pause(disturbance.backMs);
      return crew.startOne(disturbance.worker);
    case 'kill all':
      crew.kill(0);
      crew.kill(1);
      await pause(disturbance.backMs);
      return crew.start();
    case 'flush':
      return lane.flush();
    case 'redis':
      return lane.restartRedis(disturbance.keeps, disturbance.downMs);
    case 'postgres':
      return lane.restartPostgres(disturbance.downMs);
    case 'fault':
      return faults.next(disturbance.calls, disturbance.fault);
    case 'outage':
      return lasts(disturbance.forMs, faults.when({}, disturbance.fault));
    case 'refuse':
      return lasts(disturbance.forMs, refuse(stage, disturbance));
    case 'hide':
      return lasts(disturbance.forMs, hide(stage, disturbance));
    case 'skew':
      return clock.skew(disturbance.minutes);
    case 'ask': {
      const ids = disturbance.mode === 'single' ? [picked(stage, disturbance.pick)] : undefined;
      // What is asked while PostgreSQL is away is refused, and the one who asked is told.
      await stage.request(disturbance.mode, ids).catch(() => {});
    }
  }
}

function refuse(stage: Stage, { how, pick }: Extract<Disturbance, { kind: 'refuse' }>): () => void {
  const { faults } = stage.odoo;
  const id = picked(stage, pick);
  return how === 'denied'
    ? faults.denyRecord(BC, id)
    : faults.when({ model: BC, method: 'read', ids: [id] }, 'user_error');
}

/** Headers and lines of some BCs that follow one another. */
function hide(stage: Stage, { pick, bcs }: Extract<Disturbance, { kind: 'hide' }>): () => void {
  const { odoo } = stage;
  const first = picked(stage, pick);
  const ids = odoo.ids(BC).filter((id) => id >= first && id < first + bcs);
  const lines = odoo.read(BC, ids).flatMap(({ line_ids: of }) => (Array.isArray(of) ? of.map(Number) : []));
  const lifts = [odoo.faults.hideRecords(BC, ids), odoo.faults.hideRecords(LINE, lines)];
  return () => {
    for (const lift of lifts) lift();
  };
}

function picked({ odoo }: Stage, pick: number): number {
  const ids = odoo.ids(BC);
  return ids[Math.floor(pick * ids.length)] ?? 1;
}
