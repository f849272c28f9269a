import { describe, expect, it } from 'vitest';
import { Semaphore } from '../../../src/shared/semaphore.ts';

describe('a semaphore', () => {
  const open = () => {
    let resolve: () => void = () => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    return { promise, resolve };
  };

  it('never exceeds its capacity, and serves callers in the order of their arrival', async () => {
    const semaphore = new Semaphore(10);
    const doors = [open(), open(), open(), open()];
    const inside: number[] = [];
    const held = [6, 4, 8, 1].map((bytes, at) =>
      semaphore.run(bytes, async () => {
        inside.push(bytes);
        await doors[at]?.promise;
        inside.splice(inside.indexOf(bytes), 1);
      }),
    );
    await Promise.resolve();
    expect(inside).toEqual([6, 4]);
    doors[1]?.resolve();
    await held[1];
    // 1 would fit beside 6, but 8 came first.
    expect(inside).toEqual([6]);
    doors[0]?.resolve();
    await held[0];
    await Promise.resolve();
    expect(inside).toEqual([8, 1]);
    for (const door of doors) door.resolve();
    await Promise.all(held);
  });

  it('gives its whole capacity to a larger weight, and a weight of 0 never waits', async () => {
    const semaphore = new Semaphore(10);
    const door = open();
    const large = semaphore.run(1000, () => door.promise);
    expect(await semaphore.run(0, async () => 'done')).toBe('done');
    const next = semaphore.run(1, async () => 'after');
    door.resolve();
    await large;
    expect(await next).toBe('after');
  });

  it('is free again after a failure', async () => {
    const semaphore = new Semaphore(10);
    await expect(semaphore.run(10, () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await semaphore.run(10, async () => 'done')).toBe('done');
  });

  it('throws when the wait is too long or aborted, and serves the callers behind it', async () => {
    const semaphore = new Semaphore(2);
    const release = await semaphore.acquire(1);
    const aborting = new AbortController();
    const late = () => new Error('too late');
    const tooLong = semaphore.acquire(2, { ms: 1, late, signal: undefined });
    const aborted = semaphore.acquire(2, { ms: 60_000, late, signal: aborting.signal });
    const light = semaphore.acquire(1);
    aborting.abort(new Error('client gone'));
    await expect(aborted).rejects.toThrow('client gone');
    await expect(tooLong).rejects.toThrow('too late');
    (await light)();
    release();
    (await semaphore.acquire(2))();
  });

  it('refuses at once if asked not to wait', () => {
    const semaphore = new Semaphore(1);
    const release = semaphore.tryAcquire(1);
    expect(semaphore.tryAcquire(1)).toBeNull();
    release?.();
    expect(semaphore.tryAcquire(1)).not.toBeNull();
  });
});
