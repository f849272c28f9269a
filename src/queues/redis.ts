import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisConfig } from '../config/index.ts';
import { errorMessage, RedisUnavailableError } from '../shared/errors.ts';
import type { Log } from '../shared/logger.ts';
import { nameServer, redisTrouble, reportOutage, reportRecovery } from './redis-outage.ts';

/** A single server, sentinels, or a cluster. */
export type RedisConnection = Redis | Cluster;

/**
 * `worker` waits for Redis without a limit. `producer` fails at once, so that a request gets a 503. `cache` gives up a
 * command after 250 ms, because callers can do without its data.
 */
type RedisRole = 'worker' | 'producer' | 'cache';

/** An idle connection is probed after this time. The system closes a connection whose other end does not answer. */
const KEEPALIVE_MS = 20_000;

const OPTIONS: Readonly<Record<RedisRole, RedisOptions>> = {
  worker: { maxRetriesPerRequest: null, enableOfflineQueue: true, keepAlive: KEEPALIVE_MS },
  producer: { maxRetriesPerRequest: 1, enableOfflineQueue: true, keepAlive: KEEPALIVE_MS },
  cache: {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 250,
    connectTimeout: 2000,
    retryStrategy: (failures) => Math.min(100 * failures, 1000),
  },
};

/**
 * A connection is reopened if its oldest command gets no answer for this time. Keepalive does not find this: a proxy
 * answers probes for a dead server, and none are sent while sent bytes wait for their receipt. BullMQ itself watches
 * the connections that it opens for blocking commands.
 */
const SILENCE_MS: Readonly<Record<RedisRole, number>> = { worker: 30_000, producer: 5000, cache: 2000 };

/** How long a command of a request waits until a master is known. */
const NO_MASTER_MS = 5000;

/** Reconnects if the server became a replica, and sends the refused command to the new master. */
const RECONNECT_AND_RESEND = 2;

/**
 * Opens one connection. An outage is logged once a minute for all connections with this log, and ioredis reconnects by
 * itself. A URL alone is a single server without TLS files or sentinels.
 */
export function openRedis(server: string, role: RedisRole, log: Log): Redis;
export function openRedis(server: RedisConfig, role: RedisRole, log: Log): RedisConnection;
export function openRedis(server: RedisConfig | string, role: RedisRole, log: Log): RedisConnection {
  const options = { ...OPTIONS[role], connectionName: `passerelle-${role}` };
  const redis = typeof server === 'string' ? new Redis(server, options) : connect(server, options);
  if (role === 'cache') {
    // The cache logs its own outages.
    redis.on('error', (error) => log.debug({ reason: errorMessage(error) }, 'redis connection'));
  } else {
    nameServer(log, typeof server === 'string' ? { url: server, sentinel: null, cluster: false } : server);
    redis.on('error', (error) => reportOutage(log, error));
    redis.on('ready', () => reportRecovery(log));
  }
  if (redis instanceof Redis) reopenIfSilent(redis, SILENCE_MS[role]);
  else redis.on('+node', (node: Redis) => reopenIfSilent(node, SILENCE_MS[role]));
  return redis;
}

/** `socketTimeout` of ioredis is not used: its timer outlives the connection, and then ends the next one. */
function reopenIfSilent(redis: Redis, limitMs: number): void {
  let oldest: unknown;
  const timer = setInterval(() => {
    const first = redis.commandQueue.peekFront();
    if (first !== undefined && first === oldest)
      redis.stream.destroy(new Error(`Redis gave no answer for ${limitMs} ms, connecting again`));
    oldest = first;
  }, limitMs).unref();
  redis.once('end', () => clearInterval(timer));
}

function connect({ url, tls, sentinel, cluster }: RedisConfig, options: RedisOptions): RedisConnection {
  const secure = url.startsWith('rediss:') ? { tls: withoutUnset(tls) } : {};
  if (cluster) return connectCluster(new URL(url), { ...options, ...secure });
  if (sentinel === null) return new Redis(url, { ...options, ...secure });
  return new Redis(url, {
    ...options,
    ...secure,
    sentinels: [...sentinel.hosts],
    name: sentinel.name,
    ...(sentinel.password === undefined ? {} : { sentinelPassword: sentinel.password }),
    ...('tls' in secure ? { enableTLSForSentinelMode: true, sentinelTLS: secure.tls } : {}),
    // No limit of attempts: after the last one ioredis would never connect again. A command of a request has its own
    // limit.
    sentinelRetryStrategy: (rounds) => Math.min(100 * rounds, 1000),
    ...(options.maxRetriesPerRequest === 1 ? { commandTimeout: NO_MASTER_MS } : {}),
    reconnectOnError: ({ message }) => (message.includes('READONLY') ? RECONNECT_AND_RESEND : false),
  });
}

/** All keys are in one slot (see `queuePrefix`), so one master does all the work. */
function connectCluster(url: URL, { enableOfflineQueue = true, ...options }: RedisOptions): Cluster {
  const { hostname, port, username, password } = url;
  return new Cluster([{ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) }], {
    enableOfflineQueue,
    // Host names are not resolved: certificates are issued for names.
    dnsLookup: (address, callback) => callback(null, address),
    redisOptions: {
      ...options,
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    },
  });
}

function withoutUnset({ ca, cert, key }: RedisConfig['tls']): ConnectionOptions {
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/**
 * The answer of a command, for a caller that shows the error to a person. The error of the connection explains more
 * than that of the command, which was only given up.
 *
 * @throws RedisUnavailableError
 */
export async function answerOf<T>(
  redis: RedisConnection,
  server: RedisConfig,
  command: () => Promise<T>,
): Promise<T> {
  let refusal: Error | undefined;
  const note = (error: Error) => {
    refusal = error;
  };
  redis.on('error', note);
  try {
    return await command();
  } catch (error) {
    const cause = refusal ?? error;
    throw new RedisUnavailableError(cause, redisTrouble(server, cause));
  } finally {
    redis.off('error', note);
  }
}
