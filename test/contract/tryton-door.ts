import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ask, errorOf, knock, result, signIn, signOut, type Visit } from './tryton-ask.ts';

const SEARCH = 'model.party.party.search';
const page = (status: number) => ({ status, headers: /^text\/html/ });

/** Raw: who gets in, and what a body that is no call meets. */
export function doorContract(visit: () => Visit): void {
  const shape = ({ status, headers }: { status: number; headers: Headers }) => ({
    status,
    type: headers.get('content-type'),
  });

  describe('at the door, raw', () => {
    it('gives its version at the root, without a login', async () => {
      const version = await result(new URL('/', visit().url).href, 'common.server.version', []);
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    });

    it('asks for the password, once per name, where none is given', async () => {
      const login = `nobody-${randomUUID()}`;
      const error = await errorOf(visit().url, 'common.db.login', [login, {}, 'en']);
      const words = visit().isOld ? 'Password' : `Password for ${login}`;
      expect(error).toEqual(['LoginException', ['password', words, 'password']]);
    });

    it('answers a wrong password with 401, and after more than five of them with 429', async () => {
      const login = `nobody-${randomUUID()}`;
      const attempt = () => ask(visit().url, 'common.db.login', [login, { password: 'wrong' }, 'en']);
      const first = await attempt();
      expect(shape(first)).toEqual({ status: 401, type: expect.stringMatching(page(401).headers) });
      const more = await Promise.all(Array.from({ length: 6 }, attempt));
      for (const { status } of more) expect([401, 429]).toContain(status);
      const last = await attempt();
      expect(shape(last)).toEqual({ status: 429, type: expect.stringMatching(page(429).headers) });
      expect(last.headers.get('retry-after')).toBeNull();
    });

    it('gives a session of its own to each login, and takes it back at logout', async () => {
      const { url } = visit();
      const [one, other] = [await signIn(visit()), await signIn(visit())];
      expect(one.key).not.toBe(other.key);
      expect((await signOut(url, one)).text).toBe('{"id":7,"result":null}');
      expect((await ask(url, SEARCH, [[], 0, 1, null, {}], { session: one.token })).status).toBe(401);
      expect((await ask(url, SEARCH, [[], 0, 1, null, {}], { session: other.token })).status).toBe(200);
      await signOut(url, other);
    });

    it('answers calls without a good session with 401, and challenges browsers only', async () => {
      const { url, isOld } = visit();
      const stranger = Buffer.from('admin:1:no-such-key').toString('base64');
      const params = [[], 0, 1, null, {}];
      const bare = await ask(url, SEARCH, params);
      const wrong = await ask(url, SEARCH, params, { session: stranger });
      const script = await ask(url, SEARCH, params, { headers: { 'x-requested-with': 'XMLHttpRequest' } });
      expect([bare.status, wrong.status, script.status]).toEqual([401, 401, 401]);
      const challenge = isOld ? null : 'Basic realm="Tryton"';
      expect(bare.headers.get('www-authenticate')).toBe(challenge);
      expect(script.headers.get('www-authenticate')).toBeNull();
    });

    it('takes login and password with each call, too', async () => {
      const { url, user, password } = visit();
      const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      const answer = await ask(url, SEARCH, [[], 0, 1, null, {}], { headers: { authorization } });
      expect(answer.status).toBe(200);
    });

    it('answers an unknown database in its own words, or with 404 at a login', async () => {
      const { url, session, series } = visit();
      const elsewhere = new URL('/no_such_database/', url).href;
      const login = await ask(elsewhere, 'common.db.login', ['admin', {}, 'en']);
      if (series === '7.0') expect(login.text).toContain("object has no attribute 'put_connection'");
      else expect(login.status).toBe(404);
      const call = await errorOf(elsewhere, SEARCH, [[], {}], { session: session.token });
      expect(call[0]).toMatch(/put_connection|database "no_such_database" does not exist/);
    });
  });

  describe('bodies, raw', () => {
    it('that are no JSON are an error of the server', async () => {
      const { url, isOld, session } = visit();
      const answer = await ask(url, '', [], { session: session.token, body: '{' });
      expect(shape(answer)).toEqual({
        status: isOld ? 400 : 500,
        type: expect.stringMatching(/^text\/html/),
      });
    });

    it('without a length are refused with 411, too long ones with 413', async () => {
      const { url } = visit();
      expect(await knock(url, { 'transfer-encoding': 'chunked' })).toBe(411);
      expect(await knock(url, { 'content-length': String(2 * 1024 * 1024 + 1) })).toBe(413);
    });

    it('may be compressed by those who are signed in, and on 5.0 by anybody', async () => {
      const { url, user, session, isOld } = visit();
      const zipped = (method: string, params: unknown[]) => ({
        body: gzipSync(JSON.stringify({ id: 7, method, params })),
        headers: { 'content-encoding': 'gzip' },
      });
      const call = zipped(SEARCH, [[], 0, 1, null, {}]);
      expect((await ask(url, '', [], { ...call, session: session.token })).status).toBe(200);
      const login = await ask(url, '', [], zipped('common.db.login', [user, {}, 'en']));
      expect(login.status).toBe(isOld ? 200 : 500);
    });

    it('with one more key get a bare answer, and errors as HTTP statuses', async () => {
      const { url, session, isOld } = visit();
      const options = { session: session.token, extra: { jsonrpc: '2.0' } };
      const bare = await ask(url, 'model.party.party.search_count', [[['id', '=', -1]], {}], options);
      expect(bare.text).toBe('0');
      const user = await ask(url, 'model.party.party.read', [[2_000_000_000], ['name'], {}], options);
      expect(user.status).toBe(isOld ? 500 : 400);
      const unknown = await ask(url, 'model.nope.nope.read', [[1], ['name'], {}], options);
      expect(unknown.status).toBe(500);
      expect(unknown.text).toContain('nope.nope');
    });
  });
}
