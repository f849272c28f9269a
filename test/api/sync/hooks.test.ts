import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { WebhookBatchBuffer } from '../../../src/queues/webhook-batches.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';

const SECRET = 'un-secret~pour_les.webhooks';
const BODY = { _action: 'Passerelle(#1)', _id: 7, _model: 'dimagaz.bc', notes: 'pas cru' };
const JSON_TYPE = { 'content-type': 'application/json' };

let api: TestApi;
afterEach(() => api.close());

const start = (env: Record<string, string> = {}, replaced: Parameters<typeof startApi>[1] = {}) =>
  startApi({ ODOO_HOOK_SECRET: SECRET, ...env }, replaced).then((started) => {
    api = started;
  });

const post = (request: InjectOptions = {}) =>
  api.app.inject({ method: 'POST', url: `/hooks/odoo?secret=${SECRET}`, payload: BODY, ...request });

/** The records that wait to be read. */
const batch = () => new WebhookBatchBuffer(api.redis, api.config.queuePrefix).close(0);

describe('a webhook of Odoo', () => {
  it('is answered 202 at once, and only its model and id are kept', async () => {
    await start();
    const answer = await post();
    expect([answer.statusCode, answer.json()]).toEqual([202, { status: 'accepted' }]);
    await post({ payload: { ...BODY, _model: 'dimagaz.bc.line', _id: 31 } });
    const [job, ...others] = await api.queues.sync.getDelayed();
    expect([job?.name, job?.data, job?.opts.delay, others]).toEqual(['hooks', { batch: 0 }, 2000, []]);
    expect(await batch()).toEqual({ bcs: [7], lines: [31], overflows: false });
  });

  it('may bring its secret as a bearer', async () => {
    await start();
    const answer = await post({ url: '/hooks/odoo', headers: { authorization: `Bearer ${SECRET}` } });
    expect(answer.statusCode).toBe(202);
  });

  it('learns only that the secret is wrong, whatever else is wrong', async () => {
    await start();
    const wrong = [
      '/hooks/odoo',
      '/hooks/odoo?secret=',
      `/hooks/odoo?secret=${SECRET}x`,
      `/hooks/odoo?secret=${SECRET.slice(1)}`,
      `/hooks/odoo?secret=${SECRET}&secret=${SECRET}`,
      `/hooks/odoo?secret[]=${SECRET}`,
    ];
    const bodies = [BODY, { _model: 'res.users', _id: 1 }, '{', 'x'.repeat(100_000)];
    const answers = [];
    for (const url of wrong) {
      for (const payload of bodies) answers.push(await post({ url, payload, headers: JSON_TYPE }));
    }
    expect(new Set(answers.map(({ statusCode, body }) => `${statusCode} ${body}`)).size).toBe(1);
    expect([answers[0]?.statusCode, answers[0]?.json().code]).toEqual([401, 'bad_hook_secret']);
    expect(await batch()).toEqual({ bcs: [], lines: [], overflows: false });
  });

  it.each([
    ['another model', { ...BODY, _model: 'res.users' }, 400, 'not_mirrored'],
    ['no id', { _model: 'dimagaz.bc' }, 400, 'invalid_request'],
    ['an id that is a text', { ...BODY, _id: '7' }, 400, 'invalid_request'],
    ['an id below 1', { ...BODY, _id: -7 }, 400, 'invalid_request'],
    ['bad JSON', '{"_id": 7,', 400, 'invalid_request'],
    ['nothing', '', 400, 'invalid_request'],
    ['a whole book', { ...BODY, notes: 'x'.repeat(65_536) }, 413, 'body_too_large'],
  ])('with %s is refused with the reason', async (_what, payload, status, code) => {
    await start();
    const answer = await post({ payload, headers: JSON_TYPE });
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(await batch()).toEqual({ bcs: [], lines: [], overflows: false });
  });

  it('is one of so many a minute from each address; then it is refused until the minute is over', async () => {
    await start();
    await api.redis.set(`${api.config.queuePrefix}:rate-limit:hooks:127.0.0.1`, 5999, 'EX', 60);
    expect((await post()).statusCode).toBe(202);
    const refused = await post({ url: '/hooks/odoo?secret=guess' });
    expect([refused.statusCode, refused.json().code]).toEqual([429, 'rate_limited']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await post({ remoteAddress: '203.0.113.7' })).statusCode).toBe(202);
  });

  it('leaves no secret in the log, right or wrong', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) });
    await start({}, { log });
    await post();
    await post({ payload: '{', headers: JSON_TYPE });
    await post({ url: `/hooks/odoo?secret=wrong-${SECRET}` });
    await post({ method: 'GET' });
    await post({ headers: { authorization: `Bearer ${SECRET}` }, payload: { ...BODY, _model: 'x' } });
    expect(lines.filter((line) => line.includes('/hooks/odoo'))).toHaveLength(5);
    expect(lines.filter((line) => line.includes(SECRET))).toEqual([]);
  });

  it('finds no such route where no secret is set', async () => {
    await start({ ODOO_HOOK_SECRET: '' });
    const answer = await post();
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'not_found']);
    expect(Object.keys(api.app.swagger().paths ?? {})).not.toContain('/hooks/odoo');
  });

  it('is answered 503 without an Odoo', async () => {
    await start({ ODOO_URL: '' });
    const answer = await post();
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'odoo_not_configured']);
  });

  it('is answered 503 without Redis, within the second that Odoo waits', async () => {
    await start();
    api.cacheRedis.disconnect();
    const answer = await post();
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'redis_unavailable']);
  });
});
