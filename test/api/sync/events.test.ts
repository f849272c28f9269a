import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createApiKey, revokeApiKey } from '../../../src/db/api-keys.ts';
import { recordFailure } from '../../../src/db/runs/failures.ts';
import { createRun } from '../../../src/db/runs/runs.ts';
import { BC_KEY } from '../../../src/db/schema/sync.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from '../http/start-api.ts';
import { bearer, startApi } from '../http/start-api.ts';
import type { Listener } from './event-listener.ts';
import { heard, listenTo, openListener } from './event-listener.ts';

const EVENTS = '/api/v1/sync/events';
const OFTEN = { eventEveryMs: 20 };
const SELDOM = { eventEveryMs: 600_000 };

interface State {
  readonly openFailures: number;
  readonly lastRuns: readonly { readonly id: number }[];
  readonly queues: object | null;
}

let api: TestApi;
const listeners: Listener[] = [];
afterEach(async () => {
  for (const listener of listeners.splice(0)) listener.close();
  await api.close();
});

async function listen(key = api.key): Promise<Listener> {
  const listener = await openListener(`${await listenTo(api.app)}${EVENTS}`, bearer(key));
  listeners.push(listener);
  return listener;
}

const fail = (odooId: number) =>
  recordFailure(api.db, { key: BC_KEY, odooId, runId: 1, jobId: null, code: '23514', message: 'no' });

describe('the live events', () => {
  it('begin with the answer of GET /api/v1/sync, and ask proxies not to buffer', async () => {
    api = await startApi({}, {}, OFTEN);
    await createRun(api.db, { key: BC_KEY, mode: 'full', trigger: 'cli' });
    const { response, ...listener } = await listen();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    expect(response.headers.get('connection')).toBe('close');
    expect(response.headers.get('content-encoding')).toBeNull();
    const state = await heard<State>({ response, ...listener }, 'state', () => true);
    expect(state).toEqual((await api.inject('/api/v1/sync')).json());
    expect(listener.text()).toMatch(/^retry: 3000\n\n/);
  });

  it('send each change once, to every listener, and nothing when only time passed', async () => {
    api = await startApi({}, {}, OFTEN);
    await api.db.execute(
      sql`insert into sync_state (key, last_sync) values (${BC_KEY}, now() - interval '1 minute')`,
    );
    const [one, other] = [await listen(), await listen()];
    await fail(7);
    for (const listener of [one, other]) {
      await heard<State>(listener, 'state', ({ openFailures }) => openFailures === 1);
    }
    const age = async () => (await api.inject('/api/v1/sync')).json().ageSeconds;
    const before = await age();
    expect(before).toBeGreaterThanOrEqual(60);
    // Two seconds: one may have passed since the last look already.
    await waitFor(async () => (await age()) > before + 1, 'the mirror to grow older');
    await fail(8);
    await heard<State>(one, 'state', ({ openFailures }) => openFailures === 2);
    expect(one.data<State>('state').map(({ openFailures }) => openFailures)).toEqual([0, 1, 2]);
  });

  it('read the state once for all listeners, and never without a listener', async () => {
    api = await startApi({}, {}, OFTEN);
    const looks = vi.spyOn(api.redis, 'ping');
    const listener = await listen();
    await waitFor(() => looks.mock.calls.length > 3, 'a few looks');
    listener.close();
    await api.app.inject('/healthz');
    const asked = async () => {
      const { length } = looks.mock.calls;
      await api.db.execute(sql`select pg_sleep(0.2)`);
      return looks.mock.calls.length - length;
    };
    await waitFor(async () => (await asked()) === 0, 'the looks to end');
    await api.app.close();
  });

  it('look once for ten listeners that come at once', async () => {
    api = await startApi({}, {}, SELDOM);
    await listenTo(api.app);
    const looks = vi.spyOn(api.redis, 'ping');
    const ten = await Promise.all(Array.from({ length: 10 }, () => listen()));
    for (const listener of ten) await heard(listener, 'state', () => true);
    expect(looks.mock.calls.length).toBeLessThan(10);
  });

  it('keep a quiet connection alive, and let a page know that it is', async () => {
    api = await startApi({}, {}, { ...SELDOM, eventHeartbeatMs: 20 });
    const listener = await listen();
    await waitFor(() => listener.data('beat').length > 2, 'beats');
    expect(listener.data('beat')[0]).toEqual({});
    expect(listener.data('state')).toHaveLength(1);
  });

  it('work without Redis, whose depths are null', async () => {
    const redis = openRedis('redis://127.0.0.1:1', 'producer', createLogger('silent', 'test'));
    try {
      api = await startApi({}, { redis }, OFTEN);
      expect((await heard<State>(await listen(), 'state', () => true)).queues).toBeNull();
    } finally {
      redis.disconnect();
    }
  });

  it('report once that the state cannot be read, and the state when it can be read again', async () => {
    api = await startApi({}, {}, OFTEN);
    const listener = await listen();
    await api.db.execute(sql`alter table sync_failure rename to hidden`);
    const problem = await heard<{ code: string }>(listener, 'problem', () => true);
    expect(problem).toMatchObject({ status: 503, code: 'database_not_migrated' });
    const looks = vi.spyOn(api.redis, 'ping');
    await waitFor(() => looks.mock.calls.length > 3, 'more looks in vain');
    await api.db.execute(sql`alter table hidden rename to sync_failure`);
    await waitFor(() => listener.data('state').length === 2, 'the state to come back');
    expect(listener.data('problem')).toHaveLength(1);
  });

  it('do not begin while the state cannot be read', async () => {
    api = await startApi({}, {}, OFTEN);
    await api.db.execute(sql`alter table sync_failure rename to hidden`);
    const answer = await api.inject(EVENTS);
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'database_not_migrated']);
  });
});

describe('a listener', () => {
  it('needs a key with bc:read, and hears nothing more once that is revoked', async () => {
    api = await startApi({}, {}, OFTEN);
    const unknown = await api.app.inject(EVENTS);
    expect([unknown.statusCode, unknown.json().code]).toEqual([401, 'missing_key']);
    const writer = await api.app.inject({
      url: EVENTS,
      headers: await api.headerOf({ scopes: ['sync:write'] }),
    });
    expect([writer.statusCode, writer.json().code]).toEqual([403, 'missing_scope']);
    const { key, row } = await createApiKey(api.db, { name: 'reader', scopes: ['bc:read'] });
    const [listener, other] = [await listen(key), await listen()];
    await revokeApiKey(api.db, row.prefix);
    await listener.ended;
    await fail(7);
    await heard<State>(other, 'state', ({ openFailures }) => openFailures === 1);
  });

  it('stays when it comes while the keys of others are looked at', async () => {
    api = await startApi({}, {}, OFTEN);
    const { key } = await createApiKey(api.db, { name: 'reader', scopes: ['bc:read'] });
    await listen(key);
    // From now on this process trusts the other key for a while.
    await api.inject('/api/v1/sync');
    const late = await api.db.transaction(async (tx) => {
      await tx.execute(sql`lock table api_key in access exclusive mode`);
      const waiting = sql`select from pg_locks where relation = 'api_key'::regclass and not granted`;
      await waitFor(async () => (await tx.execute(waiting)).length > 0, 'the keys to be looked at');
      return listen();
    });
    await fail(7);
    await heard<State>(late, 'state', ({ openFailures }) => openFailures === 1);
  });

  it('has one of fifty places that its key may take', async () => {
    api = await startApi({}, {}, SELDOM);
    await listenTo(api.app);
    const fifty = await Promise.all(Array.from({ length: 50 }, () => listen()));
    expect(fifty.map(({ response }) => response.status)).toEqual(Array(50).fill(200));
    const refused = await api.inject(EVENTS);
    expect([refused.statusCode, refused.json().code]).toEqual([503, 'too_many_listeners']);
    const { key } = await createApiKey(api.db, { name: 'another', scopes: ['bc:read'] });
    expect((await listen(key)).response.status).toBe(200);
    fifty[0]?.close();
    await waitFor(async () => (await listen()).response.status === 200, 'a place to be free again');
  });

  it('does not keep the API from closing', async () => {
    api = await startApi({}, {}, SELDOM);
    const listener = await listen();
    await heard(listener, 'state', () => true);
    await api.app.close();
    await listener.ended;
  });

  it('is sent elsewhere as soon as the process is asked to stop', async () => {
    const stop = new AbortController();
    api = await startApi({}, { stopping: stop.signal }, SELDOM);
    const listener = await listen();
    await heard(listener, 'state', () => true);
    stop.abort();
    await listener.ended;
    const answer = await api.inject(EVENTS);
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'shutting_down']);
  });
});
