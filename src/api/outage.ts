/** Node's own codes of a server that cannot be reached. */
const NETWORK =
  /^(ECONN(REFUSED|RESET|ABORTED)|ENOTFOUND|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/;
/** postgres.js: connections that could not be made, or broke. */
const DRIVER = /^(CONNECT_TIMEOUT|CONNECTION_(CLOSED|ENDED|DESTROYED))$/;
/** SQLSTATE: connection exceptions, refused logins, no such database, too many clients, shutting down, starting up. */
const SQLSTATE = /^(08...|28...|3D000|53300|57P0[1-5])$/;
/** SQLSTATE: a table or column that a migration would have made. */
const UNMIGRATED = /^42(P01|703)$/;

/** ioredis has no codes, only names and sentences. */
const REDIS =
  /MaxRetriesPerRequestError|ClusterAllFailedError|Connection is closed|Stream isn't writeable|Command timed out|CLUSTERDOWN/;

/** SQLSTATE query_canceled: by `statement_timeout`, or by a person. */
const CANCELLED = '57014';

export type Outage = 'database_unavailable' | 'query_timeout' | 'database_not_migrated' | 'redis_unavailable';

/** Which of our two servers an error (or one of its causes) speaks of; null for any other error. */
export function outage(error: unknown): Outage | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (REDIS.test(`${cause.name} ${cause.message}`)) return 'redis_unavailable';
    const code = 'code' in cause ? String(cause.code) : '';
    if (code === CANCELLED) return 'query_timeout';
    if (UNMIGRATED.test(code)) return 'database_not_migrated';
    if (NETWORK.test(code) || DRIVER.test(code) || SQLSTATE.test(code)) return 'database_unavailable';
  }
  return null;
}
