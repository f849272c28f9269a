import { afterEach, describe, expect, it } from 'vitest';
import { TrytonUnknownFateError, TrytonUserError } from '../../../src/tryton/errors.ts';
import { freshPrefix } from '../../support/redis.ts';
import { closeCaches, openCache, PARAMS, READ, read, server, slowServer, write } from './caches.ts';

afterEach(closeCaches);

const WRITE = 'model.party.party.write';
const site = { server: 'http://tryton.example/tryton/', method: WRITE };

/** Two processes that share a Redis. */
function two() {
  const prefix = freshPrefix();
  return { a: openCache({ prefix }), b: openCache({ prefix }), prefix };
}

describe('a write through the gateway', () => {
  it.each([
    WRITE,
    'model.party.party.create',
    'model.party.party.delete',
    'model.res.user.write',
    'wizard.x.y.execute',
  ])('is seen by the next cached read of every process: %s', async (method) => {
    const { a, b } = two();
    const parties = server('before');
    await read(a.cache, parties);
    await read(b.cache, parties);
    const written = await a.cache.writing(method, []);
    parties.state.value = 'after';
    await written();
    expect(await read(b.cache, parties)).toBe('after');
    expect(await read(a.cache, parties)).toBe('after');
    expect(parties.state.asked).toBe(2);
  });

  it('leaves the answers about other models, and those of other databases', async () => {
    const prefix = freshPrefix();
    const a = openCache({ prefix });
    const test = openCache({ prefix, server: 'http://tryton.example/test/' });
    const [sales, elsewhere] = [server('sales'), server('elsewhere')];
    const readSales = () => a.cache.read('model.sale.sale.read', [], { ttl: 60 }, sales.fetch);
    await readSales();
    await read(test.cache, elsewhere);
    await write(a.cache, server('x'), 'y');
    await readSales();
    await read(test.cache, elsewhere);
    expect([sales.state.asked, elsewhere.state.asked]).toEqual([1, 1]);
  });

  it('does the same for other users of the database', async () => {
    const prefix = freshPrefix();
    const [admin, clerk] = [openCache({ prefix }), openCache({ prefix, user: 'clerk' })];
    const parties = server('before');
    await read(clerk.cache, parties);
    await write(admin.cache, parties, 'after');
    expect(await read(clerk.cache, parties)).toBe('after');
  });

  it('counts also when Tryton refused it', async () => {
    const { a, b } = two();
    const parties = server('before');
    await read(b.cache, parties);
    const written = await a.cache.writing(WRITE, []);
    await written(new TrytonUserError(site, 'no', ''));
    await read(b.cache, parties);
    await read(b.cache, parties);
    expect(parties.state.asked).toBe(2);
  });

  it('never returns an answer that was read before it and stored after it', async () => {
    const { a, b } = two();
    const slow = slowServer();
    const early = read(a.cache, slow);
    await slow.asked;
    const parties = server('before');
    await write(b.cache, parties, 'after');
    slow.answer('before');
    expect(await early).toBe('before');
    expect(await read(a.cache, parties)).toBe('after');
    expect(await read(b.cache, parties)).toBe('after');
  });

  it.each(['here', 'in the other process'])(
    '%s keeps later reads from joining a fetch of before',
    async (place) => {
      const { a, b } = two();
      const slow = slowServer();
      const early = read(a.cache, slow);
      await slow.asked;
      const parties = server('before');
      await write(place === 'here' ? a.cache : b.cache, parties, 'after');
      expect(await read(a.cache, parties)).toBe('after');
      slow.answer('before');
      expect(await early).toBe('before');
    },
  );

  it('is no write where the method only reads', async () => {
    const { a } = two();
    const parties = server('x');
    await read(a.cache, parties);
    await (await a.cache.writing('model.party.party.search', []))();
    await read(a.cache, parties);
    expect(parties.state.asked).toBe(1);
  });
});

describe('a write of unknown fate', () => {
  it.each([
    ['no answer came', new TrytonUnknownFateError(site, 'connection reset')],
    ['its caller gave up', new DOMException('This operation was aborted', 'AbortError')],
  ])('keeps its model out of the cache of every process, and only that (%s)', async (_case, error) => {
    const { a, b, prefix } = two();
    const [parties, sales] = [server('before'), server('sales')];
    const readSales = () => b.cache.read('model.sale.sale.read', [], { ttl: 60 }, sales.fetch);
    await read(b.cache, parties);
    await readSales();
    await (await a.cache.writing(WRITE, []))(error);
    // Another write that ends well does not end this.
    await write(b.cache, parties, 'before');
    await read(b.cache, parties);
    parties.state.value = 'after all';
    expect(await read(b.cache, parties)).toBe('after all');
    expect(await read(a.cache, parties)).toBe('after all');
    expect(parties.state.asked).toBe(4);
    expect(b.cache.counters()[READ]).toMatchObject({ bypass: 2 });
    await readSales();
    expect(sales.state.asked).toBe(1);
    await endHold(b, prefix);
    await read(b.cache, parties);
    await read(b.cache, parties);
    expect(parties.state.asked).toBe(5);
  });

  it('holds for about a minute', async () => {
    const { a, prefix } = two();
    await (await a.cache.writing(WRITE, []))(new TrytonUnknownFateError(site, 'reset'));
    const [hold = ''] = await a.redis.keys(`${prefix}:tryton:cache:hold:*`);
    expect(Math.abs((await a.redis.pttl(hold)) - 60_000)).toBeLessThan(5000);
  });

  it('lets nothing survive that is read while it is unknown', async () => {
    const { a, b, prefix } = two();
    await (await a.cache.writing(WRITE, []))(new TrytonUnknownFateError(site, 'reset'));
    const versions = await a.redis.keys(`${prefix}:tryton:cache:version:*`);
    await a.redis.unlink(...versions);
    await read(b.cache, server('before'));
    await endHold(b, prefix);
    expect(await read(b.cache, server('after'))).toBe('after');
  });

  async function endHold({ redis }: ReturnType<typeof openCache>, prefix: string): Promise<void> {
    const holds = await redis.keys(`${prefix}:tryton:cache:hold:*`);
    expect(holds).toHaveLength(1);
    await redis.unlink(...holds);
  }
});

describe('invalidate', () => {
  it.each([
    ['the model', 'party.party', 2],
    ['everything', '*', 2],
    ['another model', 'sale.sale', 1],
  ])('of %s', async (_case, model, asked) => {
    const { a, b } = two();
    const parties = server('x');
    const again = () => b.cache.read(READ, PARAMS, { ttl: 60 }, parties.fetch);
    await again();
    await a.cache.invalidate(model);
    await again();
    expect(parties.state.asked).toBe(asked);
  });
});
