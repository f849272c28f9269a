import { Queue, Worker } from 'bullmq';
import { pino } from 'pino';
import { afterAll, beforeAll, it } from 'vitest';
import { openRedis, type RedisConnection } from '../../../src/queues/redis.ts';
import { SharedConcurrency } from '../../../workers/shared-concurrency.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';

const MIRRORS = 8;
/** Concurrency of each worker, and jobs of each queue. */
const FULL = 20;
const JOBS = 25;

let redis: RedisConnection;
const workers: Worker[] = [];
const queues: Queue[] = [];

beforeAll(() => {
  redis = openRedis(redisUrl(), 'worker', pino({ level: 'silent' }));
});
afterAll(async () => {
  // By force: after a failure, jobs wait at the gate.
  await Promise.all(workers.map((worker) => worker.close(true)));
  await Promise.all(queues.map((queue) => queue.close()));
  redis.disconnect();
});

it('gives busy mirrors a part each, and one alone all of its slots', async () => {
  const slots = new SharedConcurrency();
  let active = 0;
  let done = 0;
  let gate = newGate();
  const prefix = freshPrefix();
  for (let at = 0; at < MIRRORS; at += 1) {
    const options = { connection: redis, prefix: `${prefix}:${at}` };
    const queue = new Queue('bc', options);
    queues.push(queue);
    await queue.addBulk(Array.from({ length: JOBS }, () => ({ name: 'bc', data: {} })));
    const run = slots.share(FULL, (concurrency) => {
      worker.concurrency = concurrency;
    });
    const work = async () => {
      active += 1;
      await gate.opened;
      done += 1;
    };
    const worker = new Worker('bc', () => run(work), { ...options, concurrency: FULL, autorun: false });
    workers.push(worker);
  }
  const [first, ...others] = workers;
  void first?.run();
  await waitFor(() => active === FULL, 'all slots of the first mirror');
  for (const worker of others) void worker.run();
  // Twice twenty slots for eight mirrors.
  const parts = () => workers.map(({ concurrency }) => concurrency);
  await waitFor(() => parts().every((part) => part === 5), 'a part for each mirror');
  gate.open();
  await waitFor(() => done === MIRRORS * JOBS, 'the end of all jobs');
  gate = newGate();
  await queues[0]?.add('bc', {});
  await waitFor(() => parts()[0] === FULL, 'all slots for the only busy mirror');
  gate.open();
});

function newGate() {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}
