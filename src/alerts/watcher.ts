import { sql } from 'drizzle-orm';
import type { Config } from '../config/index.ts';
import { openIncident, oweDeliveries, resolveIncident } from '../db/alerts.ts';
import type { Database, Queryable } from '../db/client.ts';
import { LOCK_FAMILIES } from '../db/locks.ts';
import type { AlertChannel, IncidentRow } from '../db/schema/alerts.ts';
import { BC_KEY } from '../db/schema/sync.ts';
import { errorMessage } from '../shared/errors.ts';
import type { Log } from '../shared/logger.ts';
import type { Channel } from './channels/channel.ts';
import { openChannels } from './channels/index.ts';
import { type CircuitProbe, circuitFindings, type Finding, mirrorFindings } from './checks.ts';
import { deliverDue } from './delivery.ts';

const AREAS = { mirror: 1, tryton: 2 } as const;

/** A process that is stopped in the middle of a look does not keep the others from looking. */
const MAX_PAUSE = '10s';

interface IncidentChanges {
  readonly opened: readonly IncidentRow[];
  readonly resolved: readonly IncidentRow[];
}

/**
 * Evaluates the checks once: opens and resolves incidents and writes the notices for the channels, in one
 * transaction. It is idempotent. An advisory lock admits one process at a time; otherwise a process could
 * act on data that another one has replaced.
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
  readonly config: Pick<Config, 'odoo' | 'sync' | 'alerts'>;
  /** Null where there is no gateway. */
  readonly probe: CircuitProbe | null;
}

const CHECK_INTERVAL_MS = 10_000;
/** Time limit for deliveries in progress after a stop request. */
const STOP_MS = 3000;
/** And then as long again to note that it did not. */
const CLOSE_MS = 2 * STOP_MS;

/**
 * Runs the checks now and then every ten seconds (or SYNC_EVERY, if that is shorter), and sends notices to
 * the configured channels. Any number of processes may run it. `stop` takes a few seconds at most.
 */
export function startAlerts(parts: AlertParts): { stop(): Promise<void> } {
  const watcher = new Watcher(parts);
  const { everyMs } = parts.config.sync;
  watcher.tick();
  const timer = setInterval(
    () => watcher.tick(),
    Math.min(CHECK_INTERVAL_MS, everyMs ?? CHECK_INTERVAL_MS),
  ).unref();
  return {
    stop: () => {
      clearInterval(timer);
      return watcher.stop();
    },
  };
}

class Watcher {
  readonly #parts: AlertParts;
  readonly #channels: readonly Channel[];
  readonly #cut = new AbortController();
  #looking: Promise<void> | null = null;
  readonly #sending = new Map<Channel, Promise<void>>();
  #stopping = false;
  #blind = false;

  constructor(parts: AlertParts) {
    this.#parts = parts;
    this.#channels = openChannels(parts.config.alerts);
  }

  /** Starts a check, unless one is in progress. Deliveries run separately, because they may take longer. */
  tick(): void {
    if (this.#stopping) return;
    this.#looking ??= this.#look()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#looking = null;
        this.#send();
      });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const cut = setTimeout(() => this.#cut.abort(), STOP_MS);
    let close: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      close = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([Promise.all([this.#looking, ...this.#sending.values()]), late]);
    clearTimeout(cut);
    clearTimeout(close);
  }

  async #look(): Promise<void> {
    const { db, config, probe, log } = this.#parts;
    const names = this.#channels.map(({ name }) => name);
    const settings = { ...config.sync, ...config.alerts };
    // Without an Odoo this process cannot know whether there is to be a mirror.
    if (config.odoo !== null)
      this.#tell(await evaluateIncidents(db, 'mirror', names, (tx) => mirrorFindings(tx, BC_KEY, settings)));
    if (probe !== null) {
      const circuit = await probe.circuit();
      this.#tell(
        await evaluateIncidents(db, 'tryton', names, (tx) => circuitFindings(tx, probe.subject, circuit)),
      );
    }
    if (this.#blind) log.info({}, 'alerts are watched again');
    this.#blind = false;
  }

  #tell({ opened, resolved }: IncidentChanges): void {
    const { log } = this.#parts;
    for (const { id, kind, subject, code, message } of opened)
      log.warn({ incident: id, kind, subject, code, reason: message }, 'incident opened');
    for (const { id, kind, subject } of resolved) log.info({ incident: id, kind, subject }, 'incident over');
  }

  /** Each channel by itself: one that hangs does not hold up the other. */
  #send(): void {
    if (this.#stopping) return;
    const { db, log } = this.#parts;
    for (const channel of this.#channels) {
      if (this.#sending.has(channel)) continue;
      const sending = deliverDue({ db, channel, log }, this.#cut.signal)
        .catch((error: unknown) => this.#failed(error))
        .finally(() => this.#sending.delete(channel));
      this.#sending.set(channel, sending);
    }
  }

  /** PostgreSQL is away, most likely: said once, until a look goes well again. */
  #failed(error: unknown): void {
    const reason = errorMessage(error);
    if (!this.#blind) this.#parts.log.warn({ reason }, 'alerts cannot be watched for now');
    this.#blind = true;
  }
}
