import { sql } from 'drizzle-orm';
import type { Config } from '../config/index.ts';
import { openIncident, oweDeliveries, resolveIncident } from '../db/alerts.ts';
import type { Database, Queryable } from '../db/client.ts';
import { keyOf } from '../db/documents/mirrors.ts';
import { LOCK_FAMILIES } from '../db/locks.ts';
import type { AlertChannel, IncidentRow } from '../db/schema/alerts.ts';
import { errorMessage } from '../shared/errors.ts';
import { type Log, mirrorLog } from '../shared/logger.ts';
import { PeriodicTask } from '../shared/periodic-task.ts';
import { resultWithin } from '../shared/timeout.ts';
import type { Channel } from './channels/channel.ts';
import { openChannels } from './channels/index.ts';
import { type CircuitProbe, circuitFindings, type Finding, mirrorFindings } from './checks.ts';
import { deliverDue } from './delivery.ts';

const AREAS = { mirror: 1, tryton: 2 } as const;

/** After this time a process that froze during a check no longer keeps the others from checking. */
const MAX_PAUSE = '10s';

interface IncidentChanges {
  readonly opened: readonly IncidentRow[];
  readonly resolved: readonly IncidentRow[];
}

/**
 * Evaluates the checks once: opens and resolves incidents and writes the notices for the channels, in one transaction.
 * It is idempotent. An advisory lock admits one process at a time; otherwise a process could act on data that another
 * one has replaced.
 */
export async function evaluateIncidents(
  db: Database,
  area: keyof typeof AREAS,
  channels: readonly AlertChannel[],
  find: (tx: Queryable) => Promise<readonly Finding[]>,
): Promise<IncidentChanges> {
  return db.transaction(async (tx) => {
    const news = { opened: [] as IncidentRow[], resolved: [] as IncidentRow[] };
    await tx.execute(sql.raw(`set local idle_in_transaction_session_timeout = '${MAX_PAUSE}'`));
    const [lock] = await tx.execute<{ mine: boolean }>(
      sql`select pg_try_advisory_xact_lock(${LOCK_FAMILIES.alerts}::int, ${AREAS[area]}::int) as mine`,
    );
    if (lock?.mine !== true) return news;
    for (const finding of await find(tx)) {
      const changed = await act(tx, finding);
      if (changed !== null) news[finding.state === 'trouble' ? 'opened' : 'resolved'].push(changed);
    }
    for (const channel of channels) await oweDeliveries(tx, channel);
    return news;
  });
}

function act(tx: Queryable, finding: Finding): Promise<IncidentRow | null> {
  if (finding.state === 'trouble') {
    const { state: _, ...trouble } = finding;
    return openIncident(tx, trouble);
  }
  return finding.state === 'well' ? resolveIncident(tx, finding) : Promise.resolve(null);
}

export interface AlertParts {
  readonly db: Database;
  readonly log: Log;
  readonly config: Pick<Config, 'odoo' | 'mirrors' | 'sync' | 'alerts'>;
  /** Null if no gateway is configured. */
  readonly probe: CircuitProbe | null;
}

const CHECK_INTERVAL_MS = 10_000;
/** Time limit for deliveries in progress after a stop request. */
const STOP_MS = 3000;
/** Then the same time again, to record the failed deliveries. */
const CLOSE_MS = 2 * STOP_MS;

/**
 * Alerts: computes incidents from PostgreSQL and sends notices to the configured channels (webhook, e-mail).
 *
 * Lifecycle: the first check runs at once, then every ten seconds, or every SYNC_EVERY if that is shorter. After each
 * check the due notices are sent. `stop` gives deliveries 3 s, aborts them, and returns after 6 s at most.
 *
 * Invariants: a check writes incidents and notices in one transaction, so a crash loses nothing. Any number of
 * processes may run it. A notice is sent at least once, always with the same id. The all-clear never overtakes its
 * alarm.
 *
 *     const alerts = startAlerts({ db, log, config, probe: null });
 *     await alerts.stop();
 */
export function startAlerts(parts: AlertParts): { stop(): Promise<void> } {
  const { db, log, config, probe } = parts;
  const channels = openChannels(config.alerts);
  const names = channels.map(({ name }) => name);
  const cut = new AbortController();
  const sending = new Map<Channel, Promise<void>>();
  let stopping = false;

  const check = async () => {
    // Without an Odoo this process cannot know whether a mirror is expected.
    if (config.odoo !== null) {
      const find = async (tx: Queryable) => {
        const found: Finding[] = [];
        for (const { name, everyMs } of config.mirrors)
          found.push(
            ...(await mirrorFindings(tx, keyOf(name), { ...config.sync, ...config.alerts, everyMs })),
          );
        return found;
      };
      logChanges(log, await evaluateIncidents(db, 'mirror', names, find), config.mirrors);
    }
    if (probe === null) return;
    const circuit = await probe.circuit();
    const find = (tx: Queryable) => circuitFindings(tx, probe.subject, circuit);
    logChanges(log, await evaluateIncidents(db, 'tryton', names, find), []);
  };
  // Not part of a check, because a delivery may take longer. A channel that hangs does not delay the other.
  const send = () => {
    for (const channel of stopping ? [] : channels) {
      if (sending.has(channel)) continue;
      const delivery = deliverDue({ db, channel, log }, cut.signal)
        .catch((error: unknown) => checks.failed(error))
        .finally(() => sending.delete(channel));
      sending.set(channel, delivery);
    }
  };
  const checks = new PeriodicTask({
    work: () => check().finally(send),
    everyMs: Math.min(
      ...config.mirrors.map(({ everyMs }) => everyMs ?? CHECK_INTERVAL_MS),
      CHECK_INTERVAL_MS,
    ),
    failed: (error) => log.warn({ reason: errorMessage(error) }, 'alerts cannot be watched for now'),
    recovered: () => log.info({}, 'alerts are watched again'),
  });
  checks.start();
  void checks.run();
  return {
    stop: async () => {
      stopping = true;
      const timer = setTimeout(() => cut.abort(), STOP_MS);
      await resultWithin(() => Promise.all([checks.stop(), ...sending.values()]), CLOSE_MS);
      clearTimeout(timer);
    },
  };
}

function logChanges(log: Log, { opened, resolved }: IncidentChanges, mirrors: Config['mirrors'] | []): void {
  const logOf = (subject: string) => {
    // The subject of a sweep has a word after the key.
    const about = mirrors.find(({ name }) => keyOf(name) === subject.split(' ', 1)[0]);
    return about === undefined ? log : mirrorLog(log, about.name);
  };
  for (const { id, kind, subject, code, message } of opened)
    logOf(subject).warn({ incident: id, kind, subject, code, reason: message }, 'incident opened');
  for (const { id, kind, subject } of resolved)
    logOf(subject).info({ incident: id, kind, subject }, 'incident over');
}
