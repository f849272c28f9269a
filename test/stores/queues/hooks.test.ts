import { afterAll, beforeEach, expect, test } from 'vitest';
import { enqueueHooks } from '../../../src/queues/jobs.ts';
import { openQueues } from '../../../src/queues/queues.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { WebhookBatchBuffer } from '../../../src/queues/webhook-batches.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';

const log = createLogger('silent', 'test');
const redis = openRedis(redisUrl(), 'producer', log);
afterAll(() => redis.disconnect());

let prefix: string;
let hooks: WebhookBatchBuffer;
beforeEach(() => {
  prefix = freshPrefix();
  hooks = new WebhookBatchBuffer(redis, prefix);
});

const sorted = (ids: readonly number[]) => [...ids].sort((left, right) => left - right);

test('a record announced twice is in the batch once, BCs and lines separately', async () => {
  await hooks.add('bc', 7);
  await hooks.add('line', 7);
  const batch = await hooks.add('bc', 7);
  expect(await hooks.close(batch)).toEqual({ bcs: [7], lines: [7], overflows: false });
});

test('a record announced after a batch is taken is in the next one', async () => {
  const first = await hooks.add('bc', 1);
  expect(await hooks.close(first)).toMatchObject({ bcs: [1] });
  const second = await hooks.add('bc', 1);
  expect(second).toBe(first + 1);
  expect(await hooks.close(first)).toMatchObject({ bcs: [1] });
  expect(await hooks.close(second)).toMatchObject({ bcs: [1] });
});

test('a batch whose job is delivered again is the same until it is dropped, and takes nothing of the next', async () => {
  const first = await hooks.add('bc', 1);
  await hooks.close(first);
  const second = await hooks.add('bc', 2);
  expect(await hooks.close(first)).toMatchObject({ bcs: [1] });
  await hooks.delete(first);
  expect(await hooks.close(first)).toEqual({ bcs: [], lines: [], overflows: false });
  expect(await hooks.close(second)).toMatchObject({ bcs: [2] });
});

test('a batch holds a thousand records, and says that there were more', async () => {
  const ids = Array.from({ length: 1000 }, (_, at) => at + 1);
  for (const id of ids) await hooks.add('bc', id);
  const full = await hooks.add('bc', 500);
  const { bcs, overflows } = await hooks.close(full);
  expect([sorted(bcs), overflows]).toEqual([ids, false]);
  for (const id of ids) await hooks.add('bc', id);
  const over = await hooks.add('line', 1);
  await hooks.add('line', 2);
  const { bcs: again, lines, overflows: more } = await hooks.close(over);
  expect([again.length, lines, more]).toEqual([1000, [], true]);
});

test('a batch that is never taken expires, and has one job however often it is requested', async () => {
  const queues = openQueues(redis, prefix, log);
  const policy = { attempts: 3, backoffMs: 10 };
  const batch = await hooks.add('bc', 1);
  for (let n = 0; n < 5; n += 1) await enqueueHooks(queues.sync, batch, 60_000, policy);
  expect(await queues.sync.getDelayedCount()).toBe(1);
  expect(await redis.ttl(`${prefix}:hooks:open`)).toBeGreaterThan(0);
  await queues.close();
});
