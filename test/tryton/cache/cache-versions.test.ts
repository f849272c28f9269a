import { afterEach, describe, expect, it } from 'vitest';
import { lazyCipher } from '../../../src/tryton/cipher.ts';
import { freshPrefix } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { closeCaches, openCache, read, SECRET, server, slowServer, write } from './caches.ts';

afterEach(closeCaches);

const WRITE = 'model.party.party.write';

/** Two processes that share a Redis. */
function two() {
  const prefix = freshPrefix();
  return { a: openCache({ prefix }), b: openCache({ prefix }), prefix };
}

describe('versions of tags', () => {
  it('end by themselves when a process dies in the middle of a write', async () => {
    const { a, b, prefix } = two();
    const parties = server('before');
    await read(b.cache, parties);
    await a.cache.writing(WRITE, []);
    const foreseen = await waitFor(async () => {
      const keys = await a.redis.keys(`${prefix}:tryton:cache:version:*`);
      const lives = await Promise.all(keys.map(async (key) => ({ key, ms: await a.redis.pttl(key) })));
      return lives.find(({ ms }) => ms <= 120_000);
    }, 'the short life of a version');
    await read(b.cache, parties);
    expect(parties.state.asked).toBe(1);
    // Its end, sooner.
    await a.redis.pexpire(foreseen.key, 1);
    await waitFor(async () => (await a.redis.exists(foreseen.key)) === 0, 'the end of the version');
    parties.state.value = 'after';
    expect(await read(b.cache, parties)).toBe('after');
  });

  it('end so also when another write to them was over before', async () => {
    const { a, b, prefix } = two();
    const parties = server('before');
    await read(b.cache, parties);
    await a.cache.writing(WRITE, []);
    const other = await b.cache.writing(WRITE, []);
    await other();
    await read(b.cache, parties);
    const keys = await a.redis.keys(`${prefix}:tryton:cache:version:*`);
    const lives = await Promise.all(keys.map((key) => a.redis.pttl(key)));
    expect(lives.filter((ms) => ms > 0 && ms <= 120_000)).toHaveLength(1);
  });

  it('that are lost never bring an old entry back', async () => {
    const { a, b, prefix } = two();
    const parties = server('before');
    await read(a.cache, parties);
    const [entry = ''] = await a.redis.keys(`${prefix}:tryton:cache:sealed:*`);
    const sealed = (await a.redis.getBuffer(entry)) ?? '';
    for (let round = 0; round < 3; round++) {
      const versions = await a.redis.keys(`${prefix}:tryton:cache:version:*`);
      await a.redis.unlink(...versions);
      await a.redis.set(entry, sealed, 'PX', 60_000);
      expect(await read(b.cache, server(round))).toBe(round);
      await write(a.cache, parties, 'after');
      await a.redis.set(entry, sealed, 'PX', 60_000);
      expect(await read(b.cache, server('after'))).toBe('after');
    }
  });

  it('that are lost while an answer is fetched make that answer a miss, not an error', async () => {
    const { a, prefix } = two();
    const slow = slowServer();
    const early = read(a.cache, slow);
    await slow.asked;
    await a.redis.unlink(...(await a.redis.keys(`${prefix}*`)));
    slow.answer('before');
    expect(await early).toBe('before');
    const parties = server('now');
    expect(await read(a.cache, parties)).toBe('now');
    await read(a.cache, parties);
    expect(parties.state.asked).toBe(1);
  });

  it('change with each start of Redis, which may have forgotten bumps', async () => {
    const { a, prefix } = two();
    const parties = server('before');
    await read(a.cache, parties);
    const [entry = ''] = await a.redis.keys(`${prefix}:tryton:cache:sealed:*`);
    const run = /^run_id:(\w+)/m.exec(await a.redis.info('server'))?.[1] ?? 'none';
    const cipher = await lazyCipher(SECRET)();
    const text = cipher.decrypt((await a.redis.getBuffer(entry)) ?? Buffer.of(), entry) ?? '';
    expect(text).toContain(run);
    await a.redis.set(entry, cipher.encrypt(text.replace(run, 'another'), entry), 'PX', 60_000);
    await read(a.cache, parties);
    expect(parties.state.asked).toBe(2);
  });
});
