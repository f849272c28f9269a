import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { inject } from 'vitest';
import { openClient, openDatabase } from '../../src/db/client.ts';
import { databaseAt, onServer } from './server.ts';
import { waitFor } from './wait-for.ts';

/** PostgreSQL's object_in_use: another connection, of autovacuum for example, uses the template. */
const IN_USE = '55006';

/** A test may hold a lock for as long as it needs. */
const NO_TIMEOUTS = { idleInTransactionMs: null, lockMs: null, peerMs: null };

/** A migrated, empty database of its own for one test file. `close` drops it. */
export async function freshDatabase() {
  const server = inject('databaseUrl');
  const template = inject('templateName');
  const name = `${template}_${randomBytes(6).toString('hex')}`;
  await waitFor(() => clone(server, name, template), `a copy of ${template}`);
  const url = databaseAt(server, name);
  const { db, close } = openDatabase(url);
  const client = openClient(url, 10, NO_TIMEOUTS);
  return {
    url,
    db,
    client,
    /** A session of its own. The driver never answers `reserve` if no connection is open yet. */
    reserve: async () => {
      await client`select`;
      return client.reserve();
    },
    close: async () => {
      await Promise.all([close(), client.end({ timeout: 5 })]);
      await onServer(server, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
    },
  };
}

async function clone(server: string, name: string, template: string): Promise<boolean> {
  try {
    await onServer(server, (sql) => sql`create database ${sql(name)} template ${sql(template)}`);
    return true;
  } catch (error) {
    if (error instanceof postgres.PostgresError && error.code === IN_USE) return false;
    throw error;
  }
}
