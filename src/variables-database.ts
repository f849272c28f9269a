import { durationOrOff } from './variable-types.ts';

/** Session settings of every PostgreSQL connection. Each that is off is not sent: the server's own value counts. */
export const databaseVariables = {
  DATABASE_IDLE_IN_TRANSACTION: durationOrOff
    .default(30_000)
    .describe(
      'PostgreSQL ends a session that is idle in a transaction for so long, such as that of a frozen worker; shorter than SYNC_LEASE',
    ),
  DATABASE_LOCK_TIMEOUT: durationOrOff
    .default(60_000)
    .describe('a statement that waits so long for a lock fails and is retried'),
  DATABASE_PEER_TIMEOUT: durationOrOff
    .default(60_000)
    .describe('a PostgreSQL connection whose other end is silent for so long is closed, by both ends'),
} as const;
