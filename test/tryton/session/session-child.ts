import { pino } from 'pino';
import { openRedis } from '../../../src/queues/redis.ts';
import { createRedisSessionStore } from '../../../src/tryton/session/redis-store.ts';
import { createSessions } from '../../../src/tryton/session/session-manager.ts';
import type { Session } from '../../../src/tryton/types.ts';

/** Arguments: Redis, prefix, the server that counts logins. Told "go" by its parent, 64 callers renew at once. */
const [redisUrl = '', prefix = '', loginUrl = ''] = process.argv.slice(2);
const CALLERS = 64;
const secret = { server: 'http://tryton.example/tryton/', user: 'bot', password: 's3cret-value' };
const refused: Session = { login: secret.user, userId: 7, key: 'refused', createdAt: Date.now() };

const redis = openRedis(redisUrl, 'cache', pino({ level: 'silent' }));
const sessions = createSessions({
  store: createRedisSessionStore(redis, { prefix, ...secret }),
  signIn: async () => {
    const answer = await fetch(loginUrl, { method: 'POST' });
    return { login: secret.user, userId: 7, key: await answer.text(), createdAt: Date.now() };
  },
  signOut: async () => {},
  site: { server: secret.server, method: 'common.db.login' },
  ttlMs: 3_600_000,
  graceMs: 30_000,
  cooldownMs: 300_000,
  clock: Date.now,
  log: { debug() {}, info() {}, warn() {} },
  initial: refused,
});

process.on('message', async () => {
  const got = await Promise.all(Array.from({ length: CALLERS }, () => sessions.renew(refused)));
  process.send?.(got.map(({ key }) => key));
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
