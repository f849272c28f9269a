import { setTimeout } from 'node:timers/promises';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import type { RunMode } from '../../src/db/schema/sync.ts';
import { poll } from '../../src/embedded/probes.ts';
import { addOrders, otherOdoo, settingsOf } from '../sync/source/source-setup.ts';
import type { MirrorView } from './checks/mirror-view.ts';
import type { Clock } from './odoo/clock.ts';
import { BC, LINE } from './odoo/history.ts';
import type { OdooWriter } from './odoo/odoo-writer.ts';
import { paced, pause } from './pace.ts';
import type { Act, Disturbance, Kind } from './schedule.ts';
import { ForeignInstallation } from './servers/foreign-installation.ts';
import type { Links } from './servers/links.ts';
import type { ScenarioSetup } from './servers/scenario-setup.ts';
import type { WorkerProcesses } from './servers/worker-processes.ts';

export interface FaultTargets {
  readonly odoo: SandboxOdoo;
  readonly odooWriter: OdooWriter;
  readonly setup: ScenarioSetup;
  readonly processes: WorkerProcesses;
  /** Those of each worker. */
  readonly links: readonly Links[];
  readonly clock: Clock;
  readonly mirrorView: MirrorView;
  /** The environment of a worker, and the directory of its logs. */
  readonly env: Readonly<Record<string, string>>;
  readonly logs: string;
  /** MIRRORS_FILE with another model for the mirror `bc`. */
  readonly otherModelFile: string;
  /** Asks for a run as the API does. */
  readonly request: (mode: RunMode, odooIds?: readonly number[]) => Promise<number>;
  readonly log: FaultLog;
}

/** A record of the faults, for the checks after the scenario. */
export interface FaultLog {
  readonly played: Map<Kind, number>;
  /** Lines that a rule hid while their BCs stayed. Nobody changed them from then on. */
  readonly hiddenLines: Set<number>;
  readonly installations: ForeignInstallation[];
}

/** A fault may stay unnoticed: perhaps no run reads the record for so long. */
const NOTICED_WITHIN_MS = paced(20_000);

/** Plays the faults of an act. They are repaired when this returns. */
export async function playFaults(targets: FaultTargets, { forMs, disturbances }: Act): Promise<void> {
  const begin = performance.now();
  const until = (atMs: number) => setTimeout(Math.max(0, begin + paced(atMs) - performance.now()));
  const over = until(forMs);
  const acts: Promise<void>[] = [];
  for (const { atMs, disturbance } of disturbances) {
    await until(atMs);
    acts.push(act(targets, disturbance, over));
  }
  await over;
  await Promise.all(acts);
}

type Of<K extends Kind> = Extract<Disturbance, { kind: K }>;

async function act(targets: FaultTargets, disturbance: Disturbance, over: Promise<void>): Promise<void> {
  const { odoo, setup, processes, clock, log } = targets;
  const { faults } = odoo;
  if (isPossible(targets, disturbance))
    log.played.set(disturbance.kind, (log.played.get(disturbance.kind) ?? 0) + 1);
  else return;
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
    case 'lost commits':
      return setup.loseCommits(disturbance.ageMs, disturbance.downMs);
    case 'full disk':
      return setup.fillDisk(disturbance.forMs, disturbance.wal);
    case 'evict':
      return setup.evict(disturbance.policy, disturbance.share, disturbance.forMs);
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
    case 'hide lines':
      return hideLines(targets, disturbance);
    case 'skew':
      return clock.skew(disturbance.minutes);
    case 'header clock':
      clock.skewHeader(disturbance.minutes);
      await pause(disturbance.forMs);
      return clock.skewHeader(0);
    case 'freeze':
      return freeze(targets, disturbance, over);
    case 'partition':
      return partition(targets, disturbance);
    case 'settings':
      await processes.reconfigure(disturbance.settings);
      await pause(disturbance.forMs);
      return processes.reconfigure({});
    case 'source':
      return misconfigure(targets, disturbance);
    case 'second installation':
      return install(targets, disturbance);
    case 'ask': {
      const ids = disturbance.mode === 'single' ? [picked(targets, disturbance.pick)] : undefined;
      // Requests are refused while PostgreSQL is away, and the caller gets an error.
      await targets.request(disturbance.mode, ids).catch(() => {});
    }
  }
}

/** A worker is dead or another one is frozen; or PostgreSQL has no disk of its own. */
function isPossible({ processes, setup }: FaultTargets, disturbance: Disturbance): boolean {
  if (disturbance.kind === 'freeze') return processes.mayFreeze(disturbance.worker);
  return disturbance.kind !== 'full disk' || setup.hasOwnDisk;
}

/** A BC that the next run comes to, and cannot have. */
async function refuse(targets: FaultTargets, { how, pick, forMs }: Of<'refuse'>): Promise<void> {
  const { odoo, clock, mirrorView } = targets;
  const id = picked(targets, pick);
  const lift =
    how === 'denied'
      ? odoo.faults.denyRecord(BC, id)
      : odoo.faults.when({ model: BC, method: 'read', ids: [id] }, 'user_error');
  touch(odoo, clock, [id]);
  await lasts(forMs, () => mirrorView.noticed('failure', [id]));
  lift();
}

/** Headers and lines of some BCs that follow one another. */
async function hide(targets: FaultTargets, { pick, bcs, forMs }: Of<'hide'>): Promise<void> {
  const { odoo, mirrorView } = targets;
  const ids = neighbours(targets, pick, bcs);
  const lifts = [odoo.faults.hideRecords(BC, ids), odoo.faults.hideRecords(LINE, linesOf(odoo, ids))];
  await lasts(forMs, () => mirrorView.noticed('archived', ids));
  for (const lift of lifts) lift();
}

/** The lines of some BCs alone. These BCs are not changed from now on, so none of their lines may leave the mirror. */
async function hideLines(targets: FaultTargets, { pick, bcs, forMs }: Of<'hide lines'>): Promise<void> {
  const { odoo, odooWriter, clock, mirrorView, log } = targets;
  const ids = odooWriter.reserve(neighbours(targets, pick, bcs));
  const lines = linesOf(odoo, ids);
  for (const line of lines) log.hiddenLines.add(line);
  const lift = odoo.faults.hideRecords(LINE, lines);
  touch(odoo, clock, ids);
  await lasts(forMs, () => mirrorView.noticed('kept lines', ids));
  lift();
}

async function freeze({ processes }: FaultTargets, { worker, forMs }: Of<'freeze'>, over: Promise<void>) {
  const frozen = processes.freeze(worker);
  if (forMs !== null) {
    await pause(forMs);
    return frozen.thaw();
  }
  await over;
  frozen.kill();
  processes.startOne(worker);
}

async function partition(
  { links }: FaultTargets,
  { workers, peers, forMs, end }: Of<'partition'>,
): Promise<void> {
  for (const worker of workers) links[worker]?.cut(peers);
  await pause(forMs);
  for (const worker of workers) links[worker]?.heal(peers, end);
}

/** Fewer than BCs. */
const ORDERS_COUNT = 30;

/** One worker is started with the variables of another source. */
async function misconfigure(targets: FaultTargets, { what, forMs }: Of<'source'>): Promise<void> {
  const { odoo, processes, mirrorView, otherModelFile } = targets;
  addOrders(odoo, ORDERS_COUNT);
  const other = await otherOdoo();
  try {
    const source = what === 'model' ? { MIRRORS_FILE: otherModelFile } : settingsOf(other);
    await processes.reconfigure(source, [0]);
    await lasts(forMs, () => mirrorView.failedWith('source_changed'));
    await processes.reconfigure({}, [0]);
  } finally {
    await other.stop();
  }
}

/** A second installation starts on the Redis and the prefix of the first. */
async function install(targets: FaultTargets, { flush, forMs }: Of<'second installation'>): Promise<void> {
  const { setup, processes, env, logs, log } = targets;
  const installation = await poll(
    () => ForeignInstallation.open(setup, env, logs).catch(() => null),
    'a database for the second installation',
    NOTICED_WITHIN_MS,
  );
  log.installations.push(installation);
  processes.mayBeRefused = true;
  installation.start();
  await lasts(forMs, async () => installation.refusals > 0);
  if (flush) {
    const before = installation.refusals + processes.refusals;
    await setup.flush();
    await lasts(forMs, async () => installation.refusals + processes.refusals > before);
  }
  await installation.stop();
  // The second one may have claimed the queues after another fault had emptied Redis.
  await setup.freePrefix(env['QUEUE_PREFIX'] ?? '');
  processes.mayBeRefused = false;
  processes.start();
}

async function lasts(forMs: number, noticed: () => Promise<boolean>): Promise<void> {
  await pause(forMs);
  // Unnoticed is acceptable: the picked record may be gone, or its reading may have failed for another reason.
  await poll(noticed, 'somebody to notice', NOTICED_WITHIN_MS).catch(() => {});
}

/** Writes nothing into these BCs but a new `write_date`. */
function touch(odoo: SandboxOdoo, clock: Clock, bcs: readonly number[]): void {
  const now = clock.now();
  const ids = bcs.filter((id) => odoo.ids(BC).includes(id) && clock.mayWrite(id, now));
  if (ids.length === 0) return;
  odoo.write(BC, ids, {});
  clock.noteWrite(ids, now);
}

function picked({ odoo }: FaultTargets, pick: number): number {
  const ids = odoo.ids(BC);
  return ids[Math.floor(pick * ids.length)] ?? 1;
}

function neighbours(targets: FaultTargets, pick: number, bcs: number): number[] {
  const first = picked(targets, pick);
  return targets.odoo.ids(BC).filter((id) => id >= first && id < first + bcs);
}

function linesOf(odoo: SandboxOdoo, bcs: readonly number[]): number[] {
  return odoo.read(BC, bcs).flatMap(({ line_ids: of }) => (Array.isArray(of) ? of.map(Number) : []));
}
