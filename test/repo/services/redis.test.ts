import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RedisMissingError } from '../../../dev/services/index.ts';
import { findRedis, redisOnPath } from '../../../src/embedded/redis.ts';

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'passerelle-finder-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

const nothing = () => undefined;

it('finds Valkey where there is no Redis, and Redis where there are both', async () => {
  const path = `/nonexistent:${directory}`;
  expect(redisOnPath(path)).toBeUndefined();
  for (const name of ['valkey-server', 'redis-server']) {
    const file = join(directory, name);
    await writeFile(file, '#!/bin/sh\n');
    expect(redisOnPath(path)).not.toBe(file);
    await chmod(file, 0o755);
    expect(redisOnPath(path)).toBe(file);
  }
});

it('uses what the installation brought', async () => {
  let installed: string | undefined;
  const install = async () => {
    installed = '/somewhere/redis-server';
  };
  expect(await findRedis(nothing, () => installed, install)).toBe('/somewhere/redis-server');
});

it('says in one line what to install when Redis cannot be had', async () => {
  const failure = await findRedis(nothing, nothing, async () => {}).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(RedisMissingError);
  expect(String(failure)).toMatch(/install redis-server or valkey-server/);
  expect(String(failure)).not.toContain('\n');
});

it('keeps the reason when the installation failed', async () => {
  const reason = new Error('no network');
  const failing = findRedis(nothing, nothing, () => Promise.reject(reason));
  await expect(failing).rejects.toMatchObject({ name: 'RedisMissingError', cause: reason });
});
