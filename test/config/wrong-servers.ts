import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net';
import { Redis } from 'ioredis';
import { type SandboxTryton, startSandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';
import { hasRedisBinary, openRedisServers } from '../support/redis-servers.ts';
import { databaseAt, onServer } from '../support/server.ts';
import { openTestSetup, type TestSetup } from '../support/test-setup.ts';

/** Servers that a wrong configuration may name, beside those of a test setup. */
export interface WrongServers {
  readonly setup: TestSetup;
  readonly tryton: SandboxTryton;
  /** A database without migrations. */
  readonly unmigrated: string;
  /** A web server that is no Odoo. */
  readonly page: string;
  /** A port that is in use. */
  readonly taken: string;
  /** Host and port of a Redis with the password `right-one`; null if this machine has no Redis to start. */
  readonly lockedRedis: string | null;
  close(): Promise<void>;
}

const listening = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

export async function openWrongServers(): Promise<WrongServers> {
  const setup = await openTestSetup({ sandbox: { documents: 3 } });
  const tryton = await startSandboxTryton();
  const page = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Our shop</title>'),
  );
  const socket = createSocketServer();
  const name = `${new URL(setup.database.url).pathname.slice(1)}_bare`;
  await onServer(setup.database.url, (sql) => sql`create database ${sql(name)}`);
  const redis = hasRedisBinary ? await openRedisServers() : null;
  const reach = (port: number) => new Redis(port, '127.0.0.1', { password: 'right-one' });
  const locked = await redis?.start(['requirepass right-one'], { reach });
  return {
    setup,
    tryton,
    unmigrated: databaseAt(setup.database.url, name),
    page: `http://127.0.0.1:${await listening(page)}`,
    taken: String(await listening(socket)),
    lockedRedis: locked === undefined ? null : `127.0.0.1:${locked.port}`,
    close: async () => {
      page.close();
      socket.close();
      await redis?.stop();
      await onServer(setup.database.url, (sql) => sql`drop database ${sql(name)} with (force)`);
      await tryton.stop();
      await setup.close();
    },
  };
}
