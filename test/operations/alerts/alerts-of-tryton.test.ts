import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { startAlerts } from '../../../src/alerts/watcher.ts';
import { readConfig } from '../../../src/config/index.ts';
import { circuitProbe, openGateway } from '../../../src/gateway.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { Receiver } from './receivers.ts';
import { startReceiver } from './receivers.ts';

const WRONG = 'Zwiebelkuchen-wrong';
const log = createLogger('silent', 'test');

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sandbox: SandboxTryton;
let receiver: Receiver;
let releases: (() => unknown)[] = [];
beforeEach(async () => {
  database = await freshDatabase();
  sandbox = await startSandboxTryton({ sales: 5 });
  receiver = await startReceiver();
});
afterEach(async () => {
  for (const release of releases.reverse()) await release();
  releases = [];
  await receiver.stop();
  await sandbox.stop();
  await database.close();
});

/** The gateway and alerts of an API process. Checks are frequent, and logins may be repeated after `cooldown`. */
function openProcess(prefix: string, cooldown: string) {
  const config = readConfig({
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    QUEUE_PREFIX: prefix,
    TRYTON_RPC_URL: sandbox.url,
    TRYTON_USER: sandbox.user,
    TRYTON_PASSWORD: WRONG,
    TRYTON_LOGIN_COOLDOWN: cooldown,
    ALERT_WEBHOOK_URL: receiver.url,
    ALERT_WEBHOOK_SECRET: 'sixteen letters and more',
  });
  const redis = openRedis(config.redis, 'cache', log);
  releases.push(() => redis.disconnect());
  const { db } = database;
  const { tryton } = openGateway(config.tryton, { redis, prefix, db }, log, (release) =>
    releases.push(release),
  );
  if (tryton === null) throw new Error('there is a Tryton');
  const [bc] = config.mirrors;
  const often = { ...config, mirrors: [{ ...bc, everyMs: 20 }] as const };
  const alerts = startAlerts({ db, log, config: often, probe: circuitProbe(tryton) });
  releases.push(() => alerts.stop());
  return { call: () => tryton.call('model.party.party.search_count', [[]]) };
}

test('a wrong password is reported once, by one of the processes, and over with the first successful call', async () => {
  const prefix = freshPrefix();
  const [one, other] = [openProcess(prefix, '1s'), openProcess(prefix, '1s')];
  await expect(one.call()).rejects.toMatchObject({ code: 'tryton_bad_credentials' });
  await waitFor(() => receiver.arrivals.length > 0, 'the notice');
  expect(receiver.notices()).toMatchObject([
    {
      type: 'incident.opened',
      kind: 'tryton_circuit',
      subject: `${sandbox.user}@${sandbox.url}`,
      code: 'tryton_bad_credentials',
      runId: null,
    },
  ]);
  // The pause ends, the next login is refused as well: no all-clear, and no second alarm.
  const again = () => other.call().catch((error: unknown) => Object(error).code);
  await waitFor(async () => (await again()) === 'tryton_bad_credentials', 'another refused login');
  sandbox.setPassword(sandbox.user, WRONG);
  await waitFor(async () => typeof (await again()) === 'number', 'a login');
  await waitFor(() => receiver.arrivals.length > 1, 'the all-clear');
  for (const release of releases.splice(0).reverse()) await release();
  expect(receiver.notices().map(({ type }) => type)).toEqual(['incident.opened', 'incident.resolved']);
  expect(receiver.arrivals.map(({ body }) => body).join()).not.toContain(WRONG);
});
