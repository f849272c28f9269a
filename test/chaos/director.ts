import { setTimeout as pause } from 'node:timers/promises';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { poll } from '../../dev/services/poll.ts';
import type { RunMode } from '../../src/db/schema/sync.ts';
import type { Clock } from './clock.ts';
import type { Crew } from './crew.ts';
import { BC, LINE } from './history.ts';
import type { Lane } from './lane.ts';
import type { Outlook } from './outlook.ts';
import type { Act, Disturbance } from './schedule.ts';

export interface Stage {
  readonly odoo: SandboxOdoo;
  readonly lane: Lane;
  readonly crew: Crew;
  readonly clock: Clock;
  readonly outlook: Outlook;
  /** Asks for a run as the API does. */
  readonly request: (mode: RunMode, odooIds?: readonly number[]) => Promise<number>;
}

/** A refused or hidden record may stay unnoticed: perhaps no run reads it for so long. */
const NOTICED_WITHIN_MS = 20_000;

/** Plays one fault of the schedule. The fault is repaired when this returns. */
export async function disturb(stage: Stage, { forMs, disturbances }: Act): Promise<void> {
  const begin = performance.now();
  const until = (atMs: number) => pause(Math.max(0, begin + atMs - performance.now()));
  const acts: Promise<void>[] = [];
  for (const { atMs, disturbance } of disturbances) {
    await until(atMs);
    acts.push(act(stage, disturbance));
  }
  await until(forMs);
  await Promise.all(acts);
}

async function act(stage: Stage, disturbance: Disturbance): Promise<void> {
  const { odoo, lane, crew, clock } = stage;
  const { faults } = odoo;
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
    case 'outage': {
      const lift = faults.when({}, disturbance.fault);
      await pause(disturbance.forMs);
      return lift();
    }
    case 'refuse':
      return refuse(stage, disturbance);
    case 'hide':
      return hide(stage, disturbance);
    case 'skew':
      return clock.skew(disturbance.minutes);
    case 'ask': {
      const ids = disturbance.mode === 'single' ? [picked(stage, disturbance.pick)] : undefined;
      // Requests are refused while PostgreSQL is away, and the caller gets an error.
      await stage.request(disturbance.mode, ids).catch(() => {});
    }
  }
}

/** A BC that the next run comes to, and cannot have. */
async function refuse(
  stage: Stage,
  { how, pick, forMs }: Extract<Disturbance, { kind: 'refuse' }>,
): Promise<void> {
  const { odoo, clock, outlook } = stage;
  const id = picked(stage, pick);
  const lift =
    how === 'denied'
      ? odoo.faults.denyRecord(BC, id)
      : odoo.faults.when({ model: BC, method: 'read', ids: [id] }, 'user_error');
  const now = clock.now();
  if (clock.mayWrite(id, now)) {
    odoo.write(BC, [id], {});
    clock.noteWrite([id], now);
  }
  await lasts(forMs, () => outlook.noticed('failure', [id]));
  lift();
}

/** Headers and lines of some BCs that follow one another. */
async function hide(
  stage: Stage,
  { pick, bcs, forMs }: Extract<Disturbance, { kind: 'hide' }>,
): Promise<void> {
  const { odoo, outlook } = stage;
  const first = picked(stage, pick);
  const ids = odoo.ids(BC).filter((id) => id >= first && id < first + bcs);
  const lines = odoo.read(BC, ids).flatMap(({ line_ids: of }) => (Array.isArray(of) ? of.map(Number) : []));
  const lifts = [odoo.faults.hideRecords(BC, ids), odoo.faults.hideRecords(LINE, lines)];
  await lasts(forMs, () => outlook.noticed('archived', ids));
  for (const lift of lifts) lift();
}

async function lasts(forMs: number, noticed: () => Promise<boolean>): Promise<void> {
  await pause(forMs);
  // Unnoticed is acceptable: the picked record may be gone, or its reading may have failed for another reason.
  await poll(noticed, 'somebody to notice', NOTICED_WITHIN_MS).catch(() => {});
}

function picked({ odoo }: Stage, pick: number): number {
  const ids = odoo.ids(BC);
  return ids[Math.floor(pick * ids.length)] ?? 1;
}
