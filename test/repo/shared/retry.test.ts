import { describe, expect, it } from 'vitest';
import { backoffMs, delay, retry, retryAfterMs } from '../../../src/shared/retry.ts';

const policy = { tries: 3, firstDelayMs: 100, longestDelayMs: 300 };
const quick = { tries: 3, firstDelayMs: 1, longestDelayMs: 1 };

describe('backoff', () => {
  it('doubles with each failure up to the longest pause', () => {
    expect([1, 2, 3, 4].map((failures) => backoffMs(policy, failures, () => 1))).toEqual([
      100, 200, 300, 300,
    ]);
  });

  it('draws the pause from its upper half', () => {
    expect(backoffMs(policy, 1, () => 0)).toBe(50);
    expect(backoffMs(policy, 1, () => 0.5)).toBe(75);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-21T05:00:00Z');

  it('is read as seconds or as a date', () => {
    expect(retryAfterMs('7', now)).toBe(7000);
    expect(retryAfterMs('Sat, 21 Nov 2026 05:00:30 GMT', now)).toBe(30_000);
    expect(retryAfterMs('Sat, 21 Nov 2026 04:00:00 GMT', now)).toBe(0);
  });

  it('is nothing when absent or unreadable', () => {
    expect(retryAfterMs(undefined, now)).toBeUndefined();
    expect(retryAfterMs('soon', now)).toBeUndefined();
  });
});

describe('delay', () => {
  it('rejects with the reason of the signal when aborted while it waits', async () => {
    const controller = new AbortController();
    const waiting = delay(3_600_000, controller.signal);
    controller.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
  });

  it('rejects at once when the signal was aborted before', async () => {
    await expect(delay(3_600_000, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  });
});

describe('retry', () => {
  const failing = (times: number) => {
    const state = { calls: 0 };
    const work = async () => {
      if (++state.calls <= times) throw new Error(`failure ${state.calls}`);
      return 'done';
    };
    return { state, work };
  };

  it('repeats until it succeeds', async () => {
    const { state, work } = failing(2);
    expect(await retry(quick, () => ({ afterMs: undefined }), work)).toBe('done');
    expect(state.calls).toBe(3);
  });

  it('throws the last error when the tries are used up', async () => {
    const { state, work } = failing(9);
    await expect(retry(quick, () => ({ afterMs: 0 }), work)).rejects.toThrow('failure 3');
    expect(state.calls).toBe(3);
  });

  it('does not repeat what must not be repeated', async () => {
    const { state, work } = failing(1);
    await expect(retry(quick, () => false, work)).rejects.toThrow('failure 1');
    expect(state.calls).toBe(1);
  });

  it('gives the work the number of its attempt', async () => {
    const tries: number[] = [];
    const work = async (attempt: number) => {
      tries.push(attempt);
      throw new Error('failure');
    };
    await expect(retry(quick, () => ({ afterMs: 0 }), work)).rejects.toThrow('failure');
    expect(tries).toEqual([1, 2, 3]);
  });

  it('begins no pause that would pass the limit', async () => {
    const { state, work } = failing(1);
    const until = performance.now() + 60_000;
    await expect(retry(quick, () => ({ afterMs: 3_600_000 }), work, { until })).rejects.toThrow('failure 1');
    expect(state.calls).toBe(1);
  });

  it('ends a pause when its signal is aborted', async () => {
    const { work } = failing(1);
    const controller = new AbortController();
    const waiting = retry(quick, () => ({ afterMs: 3_600_000 }), work, { signal: controller.signal });
    controller.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
  });
});
