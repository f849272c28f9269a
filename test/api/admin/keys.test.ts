import { randomInt } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiKey, findApiKey, newKeyText, revokeApiKey } from '../../../src/db/api-keys.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from '../http/start-api.ts';
import { bearer, startApi } from '../http/start-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** Each from an address of its own: these tests ask more often than one address may guess. */
const get = (headers: Record<string, string>, url = '/api/v1/sync') =>
  api.app.inject({ url, headers, remoteAddress: `10.0.${randomInt(256)}.${randomInt(256)}` });
const outcome = (answer: LightMyRequestResponse) => [answer.statusCode, answer.json().code];

describe('a request without a good key', () => {
  const anyKey = () => newKeyText().key;
  it.each([
    ['no header', {}, 'missing_key'],
    ['an empty header', { authorization: '' }, 'missing_key'],
    ['another scheme', { authorization: `Basic ${anyKey()}` }, 'missing_key'],
    ['a scheme alone', { authorization: 'Bearer' }, 'missing_key'],
    ['the key without its scheme', { authorization: anyKey() }, 'missing_key'],
    ['another header', { 'x-api-key': anyKey() }, 'missing_key'],
    ['what is no key', bearer('psl_short_key'), 'bad_key'],
    ['an unknown key', bearer(anyKey()), 'bad_key'],
  ])('that has %s is answered 401', async (_what, headers, code) => {
    const answer = await get({ ...headers });
    expect(outcome(answer)).toEqual([401, code]);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="passerelle"');
  });

  it('that carries a good key in its query, or a good key that is not quite it, is answered 401', async () => {
    for (const name of ['key', 'api_key', 'access_token', 'authorization']) {
      expect(outcome(await get({}, `/api/v1/sync?${name}=${api.key}`))).toEqual([401, 'missing_key']);
    }
    const last = api.key.endsWith('A') ? 'B' : 'A';
    for (const key of [
      api.key.slice(0, -1) + last,
      `${api.key}A`,
      api.key.slice(0, -1),
      api.key.toUpperCase(),
    ]) {
      expect(outcome(await get(bearer(key)))).toEqual([401, 'bad_key']);
    }
    expect((await get(bearer(api.key))).statusCode).toBe(200);
  });

  it('learns no routes: unknown paths answer as known ones do', async () => {
    for (const url of ['/api', '/api/', '/api/v1/nowhere', '/api/v2/bc', '/api?x=1']) {
      expect([url, ...outcome(await get({}, url))]).toEqual([url, 401, 'missing_key']);
      expect([url, ...outcome(await get(bearer(api.key), url))]).toEqual([url, 404, 'not_found']);
    }
    const put = await api.app.inject({ method: 'PUT', url: '/api/v1/bc' });
    expect(outcome(put)).toEqual([401, 'missing_key']);
  });

  it('is refused before its body is looked at', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await api.app.inject({ method: 'POST', url: '/api/v1/sync/runs', headers, payload: '{' });
    expect(outcome(answer)).toEqual([401, 'missing_key']);
  });
});

describe('a key', () => {
  it('that is good opens what its scopes say, and leaves no challenge in the answer', async () => {
    const reader = await api.headerOf({ scopes: ['bc:read'] });
    const answer = await get(reader);
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).not.toHaveProperty('www-authenticate');
    const resync = await api.app.inject({ method: 'POST', url: '/api/v1/bc/1/resync', headers: reader });
    expect(outcome(resync)).toEqual([403, 'missing_scope']);
    expect(resync.json().detail).toContain('sync:write');
    expect((await get({ authorization: `bearer  ${reader.authorization.slice(7)} ` })).statusCode).toBe(200);
  });

  it('that expires is good until then', async () => {
    const later = await api.headerOf({ scopes: ['bc:read'], expiresAt: new Date(Date.now() + 60_000) });
    expect((await get(later)).statusCode).toBe(200);
    const past = await api.headerOf({ scopes: ['bc:read'], expiresAt: new Date('2026-01-02T03:04:05Z') });
    const answer = await get(past);
    expect(outcome(answer)).toEqual([401, 'expired_key']);
    expect(answer.json().detail).toContain('2026-01-02T03:04:05');
    const soon = await api.headerOf({ scopes: ['bc:read'], expiresAt: new Date(Date.now() + 3000) });
    expect((await get(soon)).statusCode).toBe(200);
    await waitFor(
      async () => (await get(soon)).statusCode === 401,
      'the key to expire, kept in memory as it is',
    );
  });

  it('that is revoked stops within seconds in a process that has just used it', async () => {
    const { key, row } = await createApiKey(api.db, { name: 'short', scopes: ['bc:read'] });
    expect((await get(bearer(key))).statusCode).toBe(200);
    await revokeApiKey(api.db, row.prefix);
    const answer = await waitFor(async () => {
      const last = await get(bearer(key));
      return last.statusCode === 401 && last;
    }, 'the key to stop');
    expect(outcome(answer)).toEqual([401, 'revoked_key']);
    const forged = `psl_${row.prefix}_${newKeyText().key.slice(-43)}`;
    expect(outcome(await get(bearer(forged)))).toEqual([401, 'bad_key']);
  });

  it('that was unknown works within seconds after its creation', async () => {
    const { key, prefix, hash } = newKeyText();
    expect(outcome(await get(bearer(key)))).toEqual([401, 'bad_key']);
    await api.db.execute(
      sql`insert into api_key (name, prefix, hash, scopes) values ('late', ${prefix}, ${hash}, '["bc:read"]')`,
    );
    await waitFor(async () => (await get(bearer(key))).statusCode === 200, 'the key to be found');
  });
});

describe('the last use of a key', () => {
  it('is noted at most once a minute', async () => {
    const { key, row } = await createApiKey(api.db, { name: 'used', scopes: ['bc:read'] });
    const lastUse = async () => (await findApiKey(api.db, row.prefix))?.lastUsedAt;
    await get(bearer(key));
    const first = await waitFor(lastUse, 'the first use to be noted');
    await get(bearer(key));
    await get(bearer(key));
    expect(await lastUse()).toEqual(first);
    // Read again, by a process that learns of it a minute later.
    await api.db.execute(
      sql`update api_key set last_used_at = now() - interval '61 seconds' where id = ${row.id}`,
    );
    await waitFor(async () => {
      await get(bearer(key));
      return Number(await lastUse()) > Date.now() - 30_000;
    }, 'the next use to be noted');
  });

  it('neither delays nor fails a request', async () => {
    const { key, row } = await createApiKey(api.db, { name: 'held', scopes: ['bc:read'] });
    const other = await api.reserve();
    try {
      await other`begin`;
      await other`select 1 from api_key where id = ${row.id} for update`;
      expect((await get(bearer(key))).statusCode).toBe(200);
    } finally {
      await other`rollback`;
      other.release();
    }
    await waitFor(
      async () => (await findApiKey(api.db, row.prefix))?.lastUsedAt,
      'the use to be noted after all',
    );
  });
});

it('while no key can be used, a refusal says how to make one, and then no longer', async () => {
  await api.db.execute(sql`update api_key set revoked_at = now() where id % 2 = 0`);
  await api.db.execute(sql`update api_key set expires_at = now() where id % 2 = 1`);
  const detail = async (headers: Record<string, string>): Promise<string> =>
    (await get(headers)).json().detail;
  await waitFor(async () => (await detail({})).includes('passerelle keys create --name'), 'the advice');
  expect(await detail(bearer(newKeyText().key))).toContain('passerelle keys create --name');
  await api.headerOf({ scopes: ['bc:read'] });
  await waitFor(async () => !(await detail({})).includes('passerelle keys create'), 'the advice to go');
});
