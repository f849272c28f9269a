import { setTimeout as pause } from 'node:timers/promises';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { poll } from '../../dev/services/probes.ts';
import type { RunMode } from '../../src/db/schema/sync.ts';
import { BC, LINE } from './history.ts';
import type { MirrorView } from './mirror-view.ts';
import type { Clock, ScenarioSetup } from './scenario-setup.ts';
import type { Act, Disturbance } from './schedule.ts';
import type { WorkerProcesses } from './worker-processes.ts';

export interface FaultTargets {
  readonly odoo: SandboxOdoo;
  readonly setup: ScenarioSetup;
  readonly processes: WorkerProcesses;
  readonly clock: Clock;
  readonly mirrorView: MirrorView;
  /** Asks for a run as the API does. */
  readonly request: (mode: RunMode, odooIds?: readonly number[]) => Promise<number>;
}

/** A refused or hidden record may stay unnoticed: perhaps no run reads it for so long. */
const NOTICED_WITHIN_MS = 20_000;

/** Plays one fault of the schedule. The fault is repaired when this returns. */
export async function playFaults(targets: FaultTargets, { forMs, disturbances }: Act): Promise<void> {
  const begin = performance.now();
  const until = (atMs: number) => pause(Math.max(0, begin + atMs - performance.now()));
  const acts: Promise<void>[] = [];
  for (const { atMs, disturbance } of disturbances) {
    await until(atMs);
    acts.push(act(targets, disturbance));
  }
  await until(forMs);
  await Promise.all(acts);
}

async function act(targets: FaultTargets, disturbance: Disturbance): Promise<void> {
  const { odoo, setup, processes, clock } = targets;
  const { faults } = odoo;
  switch (disturbance.kind) {
    case 'kill':
      processes.kill(disturbance.worker);
      await pause(disturbance.backMs);
      return processes.startOne(disturbance.worker);
    case 'kill all':
      processes.kill(0);
      processes.kill(1);
      await pause(disturbance.backMs);
      return processes.start();
    case 'flush':
      return setup.flush();
    case 'redis':
      return setup.restartRedis(disturbance.keeps, disturbance.downMs);
    case 'postgres':
      return setup.restartPostgres(disturbance.downMs);
    case 'fault':
      return faults.next(disturbance.calls, disturbance.fault);
    case 'outage': {
      const lift = faults.when({}, disturbance.fault);
      await pause(disturbance.forMs);
      return lift();
    }
    case 'refuse':
      return refuse(targets, disturbance);
    case 'hide':
      return hide(targets, disturbance);
    case 'skew':
      return clock.skew(disturbance.minutes);
    case 'ask': {
      const ids = disturbance.mode === 'single' ? [picked(targets, disturbance.pick)] : undefined;
      // Requests are refused while PostgreSQL is away, and the caller gets an error.
      await targets.request(disturbance.mode, ids).catch(() => {});
    }
  }
}

/** A BC that the next run comes to, and cannot have. */
async function refuse(
  targets: FaultTargets,
  { how, pick, forMs }: Extract<Disturbance, { kind: 'refuse' }>,
): Promise<void> {
  const { odoo, clock, mirrorView } = targets;
  const id = picked(targets, pick);
  const lift =
    how === 'denied'
      ? odoo.faults.denyRecord(BC, id)
      : odoo.faults.when({ model: BC, method: 'read', ids: [id] }, 'user_error');
  const now = clock.now();
  if (clock.mayWrite(id, now)) {
    odoo.write(BC, [id], {});
    clock.noteWrite([id], now);
  }
  await lasts(forMs, () => mirrorView.noticed('failure', [id]));
  lift();
}

/** Headers and lines of some BCs that follow one another. */
async function hide(
  targets: FaultTargets,
  { pick, bcs, forMs }: Extract<Disturbance, { kind: 'hide' }>,
): Promise<void> {
  const { odoo, mirrorView } = targets;
  const first = picked(targets, pick);
  const ids = odoo.ids(BC).filter((id) => id >= first && id < first + bcs);
  const lines = odoo.read(BC, ids).flatMap(({ line_ids: of }) => (Array.isArray(of) ? of.map(Number) : []));
  const lifts = [odoo.faults.hideRecords(BC, ids), odoo.faults.hideRecords(LINE, lines)];
  await lasts(forMs, () => mirrorView.noticed('archived', ids));
  for (const lift of lifts) lift();
}

async function lasts(forMs: number, noticed: () => Promise<boolean>): Promise<void> {
  await pause(forMs);
  // Unnoticed is acceptable: the picked record may be gone, or its reading may have failed for another reason.
  await poll(noticed, 'somebody to notice', NOTICED_WITHIN_MS).catch(() => {});
}

function picked({ odoo }: FaultTargets, pick: number): number {
  const ids = odoo.ids(BC);
  return ids[Math.floor(pick * ids.length)] ?? 1;
}
