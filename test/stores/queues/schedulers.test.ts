import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SYNC_QUEUE } from '../../../src/queues/jobs.ts';
import type { Queues } from '../../../src/queues/queues.ts';
import { openQueues } from '../../../src/queues/queues.ts';
import { applySchedule, keepScheduler, type Schedule } from '../../../src/queues/schedulers.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';

const DAY_MS = 86_400_000;
const OFF: Schedule = { everyMs: null, fullCron: null, sweepEveryMs: null, pruneEveryMs: null };

describe('the schedule, set again and again', () => {
  let redis: Redis;
  let prefix = '';
  let queues: Queues;
  let worker: Worker | null = null;
  /** Ends the job that is being worked on. */
  let finish = () => {};
  beforeEach(() => {
    prefix = freshPrefix();
    redis = new Redis(redisUrl(), { maxRetriesPerRequest: null });
    queues = openQueues(redis, prefix, createLogger('silent', 'test'));
  });
  afterEach(async () => {
    finish();
    await worker?.close();
    worker = null;
    await queues.close();
    redis.disconnect();
  });

  /** Takes jobs as they fall due; the moments they were due at, from their ids. */
  const work = (finished = async () => {}) => {
    const due: number[] = [];
    worker = new Worker(
      SYNC_QUEUE,
      async (job) => {
        due.push(Number(job.id?.split(':').at(-1)));
        await finished();
      },
      { connection: redis, prefix },
    );
    return due;
  };
  /** A nightly job, and the moment in some seconds that is its next. */
  const soon = () => {
    const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3000);
    const fullCron = `${at.getUTCSeconds()} ${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
    return { schedule: { ...OFF, fullCron }, moment: at.getTime() };
  };
  const jobs = () => queues.sync.getJobs(['delayed', 'waiting', 'active']);
  const forget = async (pattern: string) => {
    const keys = await redis.keys(`${prefix}:${pattern}`);
    if (keys.length > 0) await redis.unlink(keys);
  };

  it('keeps its beat, and has one job waiting', async () => {
    const due = work();
    const most = { waiting: 0 };
    await waitFor(async () => {
      await applySchedule(queues, { ...OFF, everyMs: 300 });
      most.waiting = Math.max(most.waiting, await queues.sync.getDelayedCount());
      return due.length >= 5;
    }, 'five of them');
    expect(due).toEqual([...new Set(due)].sort((a, b) => a - b));
    const [first = 0] = due;
    // A slow machine may skip a beat.
    for (const moment of due) expect((moment - first) % 300).toBe(0);
    expect(most.waiting).toBe(1);
  });

  it('does not put off a nightly job that is due while no worker takes it', async () => {
    const schedule = { ...OFF, fullCron: '* * * * * *' };
    await applySchedule(queues, schedule);
    const [job] = await jobs();
    const moment = Number(job?.id?.split(':').at(-1));
    await waitFor(() => Date.now() > moment, 'the job to be due');
    await applySchedule(queues, schedule);
    const due = work();
    await waitFor(() => due.length > 0, 'the job to be taken');
    expect(due[0]).toBe(moment);
  });

  it('does not put off a nightly job that falls due while it is looked at', async () => {
    const { schedule, moment } = soon();
    await applySchedule(queues, schedule);
    const slow = {
      getJobScheduler: (id: string) => queues.sync.getJobScheduler(id),
      removeJobScheduler: (id: string) => queues.sync.removeJobScheduler(id),
      getJobState: async (id: string) => {
        const state = await queues.sync.getJobState(id);
        await waitFor(() => Date.now() > moment, 'the job to be due');
        return state;
      },
    };
    const pattern = schedule.fullCron;
    await keepScheduler(slow, 'full', { pattern, tz: 'UTC' }, (wanted) =>
      queues.sync.upsertJobScheduler('full', wanted, { name: 'run' }),
    );
    const due = work();
    await waitFor(() => due.length > 0, 'the job to be taken');
    expect(due).toEqual([moment]);
  });

  it('does not start a nightly job again for a clock that is behind', async () => {
    const { schedule, moment } = soon();
    await applySchedule(queues, schedule);
    const due = work(() => new Promise((resolve) => (finish = resolve)));
    const tomorrow = `repeat:full:${moment + DAY_MS}`;
    await waitFor(async () => due.length > 0 && (await queues.sync.getJob(tomorrow)), 'the job to be taken');
    const clock = vi.spyOn(Date, 'now').mockReturnValue(moment - 2000);
    await applySchedule(queues, schedule);
    clock.mockRestore();
    expect(await queues.sync.getJobState(tomorrow)).toBe('delayed');
    expect(await queues.sync.getJobState(`repeat:full:${moment}`)).toBe('active');
    finish();
    await waitFor(async () => (await queues.sync.getJobCountByTypes('active', 'waiting')) === 0, 'its end');
    expect(due).toEqual([moment]);
    expect(await queues.sync.getJobState(tomorrow)).toBe('delayed');
  });

  it('starts a nightly job at its next time again after a clock that was ahead by days was set back', async () => {
    const { schedule, moment } = soon();
    const pattern = schedule.fullCron;
    const startDate = moment + 5 * DAY_MS - 1000;
    await queues.sync.upsertJobScheduler('full', { pattern, tz: 'UTC', startDate }, { name: 'run' });
    const before = await jobs();
    expect(before.map(({ id }) => id)).toEqual([`repeat:full:${moment + 5 * DAY_MS}`]);
    await applySchedule(queues, schedule);
    const due = work();
    await waitFor(() => due.length > 0, 'the job to be taken');
    expect(due).toEqual([moment]);
  });

  it.each([
    ['every key', () => forget('*')],
    ['the scheduler', () => forget('sync:repeat*')],
    ['the job', () => Promise.all([forget('sync:repeat:incremental:*'), forget('sync:delayed')])],
    ['the job out of the list', () => forget('sync:delayed')],
  ])('starts again when Redis lost %s', async (_, lose) => {
    const schedule = { ...OFF, everyMs: 1000 };
    await applySchedule(queues, schedule);
    const before = work();
    await waitFor(() => before.length > 0, 'the first one');
    await worker?.close();
    await lose();
    const due = work();
    await waitFor(async () => {
      await applySchedule(queues, schedule);
      return due.length > 1;
    }, 'the next ones');
    expect((await jobs()).length).toBeLessThanOrEqual(1);
  });

  it('starts again after a clock that was ahead by a day was set back', async () => {
    const every = { every: 1000, startDate: Date.now() + DAY_MS };
    await queues.sync.upsertJobScheduler('incremental', every, { name: 'run' });
    const due = work();
    await waitFor(async () => {
      await applySchedule(queues, { ...OFF, everyMs: 1000 });
      return due.length > 1;
    }, 'the next ones');
    expect((await jobs()).length).toBe(1);
  });

  it('follows new settings, and ends schedules that are switched off', async () => {
    await applySchedule(queues, { ...OFF, everyMs: DAY_MS, fullCron: '0 3 * * *', sweepEveryMs: DAY_MS });
    await applySchedule(queues, { ...OFF, everyMs: 2 * DAY_MS, fullCron: '0 4 * * *' });
    const known = await queues.sync.getJobSchedulers();
    expect(known.map(({ key, every, pattern }) => [key, every ?? pattern]).sort()).toEqual([
      ['full', '0 4 * * *'],
      ['incremental', 2 * DAY_MS],
    ]);
  });
});
