import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RedisOptions } from 'ioredis';
import { Redis } from 'ioredis';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config/index.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import type { OwnRedis, RedisServers } from '../../support/redis-servers.ts';
import { hasRedisBinary, openRedisServers } from '../../support/redis-servers.ts';
import { openTestSetup } from '../../support/test-setup.ts';

describe.skipIf(!hasRedisBinary)('a Redis that asks for TLS and for a certificate', () => {
  let servers: RedisServers;
  let server: OwnRedis;
  let env: Record<string, string>;
  const file = (name: string) => join(servers.directory, name);
  const log = createLogger('silent', 'test');

  beforeAll(async () => {
    servers = await openRedisServers();
    await makeCertificates(file);
    const [ca, cert, key] = await Promise.all(
      ['ca.pem', 'client.pem', 'client.key'].map((name) => readFile(file(name), 'utf8')),
    );
    const tls: RedisOptions = { tls: { ca, cert, key } as NonNullable<RedisOptions['tls']> };
    server = await servers.start(
      [
        `tls-cert-file ${file('server.pem')}`,
        `tls-key-file ${file('server.key')}`,
        `tls-ca-cert-file ${file('ca.pem')}`,
        'tls-auth-clients yes',
        'requirepass secret-of-redis',
      ],
      {
        reach: (port) =>
          new Redis(port, '127.0.0.1', {
            ...{ password: 'secret-of-redis', maxRetriesPerRequest: 0, retryStrategy: () => null },
            ...tls,
          }),
      },
    );
    env = {
      REDIS_URL: `rediss://:secret-of-redis@127.0.0.1:${server.port}`,
      REDIS_TLS_CA_FILE: file('ca.pem'),
      REDIS_TLS_CERT_FILE: file('client.pem'),
      REDIS_TLS_KEY_FILE: file('client.key'),
    };
  });
  afterAll(() => servers?.stop());

  const answer = async (own: Record<string, string>) => {
    const { redis: place } = readConfig({ DATABASE_URL: 'postgres://localhost/x', ...own });
    const redis = openRedis(place, 'producer', log);
    let reason = '';
    redis.on('error', (error) => {
      reason = error.message;
    });
    try {
      return await redis.ping();
    } catch {
      return reason;
    } finally {
      redis.disconnect();
    }
  };

  it('carries a run', async () => {
    const setup = await openTestSetup({ env });
    try {
      await setup.work();
      expect(await setup.run('full')).toMatchObject({ status: 'success' });
    } finally {
      await setup.close();
    }
  });

  it('is not believed without its authority, and does not believe a process without a certificate', async () => {
    expect(await answer(env)).toBe('PONG');
    const { REDIS_TLS_CA_FILE: _, ...unknown } = env;
    expect(await answer(unknown)).toMatch(/certificate/);
    const { REDIS_TLS_CERT_FILE: _cert, REDIS_TLS_KEY_FILE: _key, ...anonymous } = env;
    expect(await answer(anonymous)).not.toBe('PONG');
  });

  it('is not believed under another name than its certificate has', async () => {
    const other = { ...env, REDIS_URL: `rediss://:secret-of-redis@localhost:${server.port}` };
    expect(await answer(other)).toMatch(/does not match certificate/);
  });
});

/** An authority, and certificates by it: for a server at 127.0.0.1, and for a client. */
async function makeCertificates(file: (name: string) => string): Promise<void> {
  const ec = { keyType: 'ec', algorithm: 'sha256' } as const;
  const named = (value: string) => [{ name: 'commonName', value }];
  const ca = await generate(named('Test CA'), {
    ...ec,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const signed = { ...ec, ca: { key: ca.private, cert: ca.cert } };
  const server = await generate(named('server'), {
    ...signed,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  });
  const client = await generate(named('client'), {
    ...signed,
    extensions: [{ name: 'extKeyUsage', clientAuth: true }],
  });
  await writeFile(file('ca.pem'), ca.cert);
  for (const [name, made] of Object.entries({ server, client })) {
    await writeFile(file(`${name}.pem`), made.cert);
    await writeFile(file(`${name}.key`), made.private);
  }
}
