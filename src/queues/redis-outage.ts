import type { RedisConfig } from '../config/index.ts';
import { errorCode, errorReason } from '../shared/errors.ts';
import { type Log, processLog } from '../shared/logger.ts';
import { placeOfUrl } from '../shared/redact.ts';

/** The parts of the configuration that messages name. */
type Server = Pick<RedisConfig, 'url' | 'sentinel' | 'cluster'>;

/** One sentence: the server, the reason, and the variable to check. */
export function redisTrouble({ url, sentinel, cluster }: Server, cause: unknown): string {
  const where =
    sentinel === null ? `${cluster ? 'of the cluster ' : ''}at ${placeOfUrl(url)}` : `named ${sentinel.name}`;
  const variable = sentinel === null ? 'REDIS_URL' : 'REDIS_SENTINELS';
  // A Redis without TLS gives no answer to the first message of TLS.
  const tls = url.startsWith('rediss:') ? ' and that this port uses TLS; without TLS write redis://' : '';
  return `Redis ${where} cannot be used: ${errorReason(cause)}. Check ${variable}${tls}.`;
}

/** Shortest time between two log lines about an outage. */
const REPORT_EVERY_MS = 60_000;

interface Outage {
  readonly server: Server | null;
  /** When it was last logged. */
  reportedAt: number;
  /** Whether a log line says that Redis is away. */
  isAway: boolean;
}

/** One for all connections of a process, whatever mirror they serve: they all fail at once, and each many times. */
const outages = new WeakMap<Log, Outage>();

function outageOf(log: Log, server: Server | null): Outage {
  const known = outages.get(processLog(log));
  if (known !== undefined) return known;
  const outage = { server, reportedAt: Number.NEGATIVE_INFINITY, isAway: false };
  outages.set(processLog(log), outage);
  return outage;
}

/** From now on, outages that are logged to `log` name this server. */
export function nameServer(log: Log, server: Server): void {
  outageOf(log, server);
}

/** Logs the outage, at most once a minute. */
export function reportOutage(log: Log, error: unknown): void {
  const outage = outageOf(log, null);
  if (performance.now() - outage.reportedAt < REPORT_EVERY_MS) return;
  outage.reportedAt = performance.now();
  outage.isAway = true;
  const trouble =
    outage.server === null
      ? `Redis cannot be used: ${errorReason(error)}. Check REDIS_URL.`
      : redisTrouble(outage.server, error);
  processLog(log).warn({}, `${trouble} Start Redis if it is down; this process connects again by itself.`);
}

/** Logs the end of an outage that was logged. */
export function reportRecovery(log: Log): void {
  const outage = outages.get(processLog(log));
  if (outage?.isAway !== true) return;
  outage.isAway = false;
  processLog(log).info({}, 'Redis answers again');
}

const NETWORK = /^(E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_AGAIN)|ENOTFOUND|ERR_(TLS|SSL)|CERT_)/;

/** ioredis has no codes, so names and messages are matched. */
const OUTAGE =
  /MaxRetriesPerRequestError|ClusterAllFailedError|Connection is closed|Stream isn't writeable|Command timed out|CLUSTERDOWN|gave no answer|^\w*Error (NOAUTH|WRONGPASS|LOADING|MASTERDOWN)/;

/** Whether the connection failed, rather than one command. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return NETWORK.test(errorCode(error)) || OUTAGE.test(`${error.name} ${error.message}`);
}
