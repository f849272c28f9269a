import { Agent, request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../../dev/sandbox-tryton/faults.ts';
import type { SandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { ask, result, signIn } from '../../contract/tryton-ask.ts';

const CREATE = 'model.party.party.create';
const COUNT = 'model.party.party.search_count';

describe('a sandbox Tryton that misbehaves', () => {
  let sandbox: SandboxTryton;
  let session = '';
  beforeAll(async () => {
    sandbox = await startSandboxTryton();
    session = (await signIn(sandbox)).token;
  });
  afterAll(() => sandbox?.stop());
  beforeEach(() => {
    sandbox.faults.clear();
    sandbox.calls.length = 0;
  });
  const create = () => ask(sandbox.url, CREATE, [[{ name: 'Essai' }], {}], { session });

  it.each([
    ['bad_gateway', 502, null],
    ['unavailable', 503, null],
    ['gateway_timeout', 504, null],
    ['too_many', 429, '17'],
    ['html', 200, null],
    ['expired', 401, null],
  ] as const)('answers %s without carrying the call out', async (fault, status, retryAfter) => {
    sandbox.faults.retryAfter = 17;
    sandbox.faults.next(1, fault);
    const before = sandbox.count('party.party');
    const answer = await create();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfter]);
    expect(answer.headers.get('content-type')).toMatch(/^text\/html/);
    expect(sandbox.count('party.party')).toBe(before);
    expect(sandbox.calls).toMatchObject([{ method: CREATE, status }]);
  });

  it.each([
    ['drop', 0],
    ['lost', 1],
    ['half', 1],
  ] as const)(
    'breaks the connection by %s, having carried out %i of the call',
    async (fault: Fault, done) => {
      sandbox.faults.when(/create$/, fault, 1);
      const before = sandbox.count('party.party');
      await expect(create()).rejects.toThrow();
      expect(sandbox.count('party.party')).toBe(before + done);
      expect((await create()).status).toBe(200);
    },
  );

  it('cuts an answer short, sends it in two parts, or never', async () => {
    sandbox.faults.next(1, 'malformed');
    const cut = await create();
    expect(() => JSON.parse(cut.text)).toThrow();
    sandbox.faults.next(1, 'slow');
    expect(JSON.parse((await create()).text)).toEqual({ id: 7, result: [expect.any(Number)] });
    sandbox.faults.next(1, 'hang');
    const hung = fetch(sandbox.url, { method: 'POST', body: '{}', signal: AbortSignal.timeout(300) });
    await expect(hung).rejects.toThrow();
  });

  it('stops, and starts again on its port with its data and sessions', async () => {
    const before = sandbox.count('party.party');
    await sandbox.stop();
    await expect(create()).rejects.toThrow();
    await sandbox.start();
    expect(await result(sandbox.url, COUNT, [[], {}], { session })).toBe(before);
    expect(sandbox.sessions).toBe(1);
    sandbox.forgetSessions();
    expect((await create()).status).toBe(401);
    session = (await signIn(sandbox)).token;
    expect(sandbox.logins).toBe(2);
  });

  it('compresses answers and keeps connections only on request', async () => {
    const headersOf = (agent: Agent) =>
      new Promise<NodeJS.Dict<unknown>>((resolve, reject) => {
        const headers = {
          'content-type': 'application/json',
          'content-length': 2,
          'accept-encoding': 'gzip',
        };
        const asking = request(sandbox.url, { method: 'POST', agent, headers });
        asking.on('response', (response) => resolve(response.resume().headers)).on('error', reject);
        asking.end('{}');
      });
    const agent = new Agent({ keepAlive: true });
    expect(await headersOf(agent)).toMatchObject({
      connection: 'close',
      server: 'Werkzeug/3.1.3 Python/3.13.5',
    });
    sandbox.keepAlive = true;
    sandbox.gzip = true;
    expect(await headersOf(agent)).toMatchObject({ connection: 'keep-alive', 'content-encoding': 'gzip' });
    sandbox.keepAlive = false;
    sandbox.gzip = false;
    agent.destroy();
  });

  it('refuses the right password too after more than five refusals, for five minutes', async () => {
    let now = Date.now();
    const other = await startSandboxTryton({ clock: () => new Date(now) });
    const attempt = async (password: string) =>
      (await ask(other.url, 'common.db.login', ['admin', { password }, 'en'])).status;
    for (let count = 0; count < 6; count += 1) expect(await attempt('wrong')).toBe(401);
    expect(await attempt('admin')).toBe(429);
    expect(other.attempts('admin')).toBe(7);
    now += 301_000;
    expect(await attempt('admin')).toBe(200);
    expect(other.attempts('admin')).toBe(0);
    await other.stop();
  });

  it('delays logins after refusals on request, longer each time', async () => {
    sandbox.loginDelayMs = 40;
    const login = (password: string) => ask(sandbox.url, 'common.db.login', ['slow', { password }, 'en']);
    await login('wrong');
    await login('wrong');
    const started = performance.now();
    await login('wrong');
    expect(performance.now() - started).toBeGreaterThanOrEqual(119);
    sandbox.loginDelayMs = 0;
  });
});
