import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiKey } from '../../../src/db/api-keys.ts';
import { type ApiProcess, startApiProcess } from '../../support/api-process.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { openScriptedServer, tryton70 } from '../../tryton/client/scripted-server.ts';

/** An API with the heap of a small container, in front of a Tryton whose answers may have any size. */

const RECORD = JSON.stringify({ id: 1, name: 'x'.repeat(1000) });

const made = new Map<number, string>();
function recordsOf(kilobytes: number): string {
  const records = made.get(kilobytes) ?? `[${new Array(kilobytes).fill(RECORD).join()}]`;
  made.set(kilobytes, records);
  return records;
}

let database: Awaited<ReturnType<typeof freshDatabase>>;
let tryton: Awaited<ReturnType<typeof openScriptedServer>>;
let api: ApiProcess;
let url: string;
let key: string;
beforeAll(async () => {
  database = await freshDatabase();
  ({ key } = await createApiKey(database.db, { name: 'test', scopes: ['tryton:call'] }));
  tryton = await openScriptedServer(
    tryton70(({ id, params: [kilobytes] }) => ({
      body: `{"id": ${id}, "result": ${recordsOf(Number(kilobytes))}}`,
    })),
  );
  api = startApiProcess({
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    QUEUE_PREFIX: freshPrefix(),
    NODE_OPTIONS: '--max-old-space-size=256',
    TRYTON_RPC_URL: tryton.url,
    TRYTON_USER: 'bot',
    TRYTON_PASSWORD: 'secret',
    TRYTON_TIMEOUT_MS: '300000',
    TRYTON_DEADLINE_MS: '300000',
  });
  url = await api.listening();
});
afterAll(async () => {
  api.child.kill('SIGKILL');
  await api.exit;
  await tryton.stop();
  await database.close();
});

const read = (kilobytes: number, id: number) => ({
  ...{ method: 'model.party.party.read', params: [kilobytes, id] },
});

const post = (body: unknown) =>
  fetch(`${url}/api/v1/tryton/rpc`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Requests /healthz until the end of the work, one after another. */
async function healthDuring(work: Promise<unknown>): Promise<Set<number>> {
  const statuses = new Set<number>();
  let over = false;
  const end = () => {
    over = true;
  };
  work.then(end, end);
  do statuses.add((await fetch(`${url}/healthz`)).status);
  while (!over);
  return statuses;
}

test('a batch of eight answers of 60 MB does not end the process', async () => {
  const calls = [1, 2, 3, 4, 5, 6, 7, 8].map((id) => read(60_000, id));
  const asked = post(calls).then((answer) => answer.json());
  const statuses = await healthDuring(asked);
  const answers = (await asked) as { error?: { code: string } }[];
  expect(answers.map(({ error }) => error?.code)).toEqual(calls.map(() => 'answer_too_large'));
  expect([...statuses]).toEqual([200]);
});

test('answers of 7 MB for 16 clients at once do not end the process', async () => {
  const asked = Promise.all(
    Array.from({ length: 16 }, async (_, id) => {
      const answer = await post(read(7000, id));
      const text = await answer.text();
      return answer.status === 200 ? text.length > 7_000_000 : JSON.parse(text);
    }),
  );
  const statuses = await healthDuring(asked);
  expect(await asked).toContain(true);
  for (const outcome of await asked)
    if (outcome !== true) expect(outcome).toMatchObject({ status: 503, code: 'too_many_answers' });
  expect([...statuses]).toEqual([200]);
});
