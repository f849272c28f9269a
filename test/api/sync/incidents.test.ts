import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  claimDelivery,
  closeDelivery,
  failDelivery,
  openIncident,
  oweDeliveries,
  resolveIncident,
} from '../../../src/db/alerts.ts';
import { truncateAll } from '../../operations/alerts/rows.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';

const ROUTE = '/api/v1/sync/incidents';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(() => truncateAll(api.db));

const get = async (url: string) => (await api.inject(url)).json();
const topic = (subject: string) => ({ kind: 'run_failed', subject }) as const;
const open = (subject: string) =>
  openIncident(api.db, { ...topic(subject), code: 'odoo_timeout', message: 'Run 42 failed.', runId: 42 });

test('there are none at first', async () => {
  expect(await get(ROUTE)).toEqual({ items: [], nextCursor: null });
});

test('the state of the mirror counts those that are open', async () => {
  for (const subject of ['a', 'b', 'c']) await open(subject);
  await resolveIncident(api.db, topic('b'));
  expect(await get('/api/v1/sync')).toMatchObject({ openIncidents: 2 });
});

test('open ones come first, each newest first, page by page', async () => {
  for (const subject of ['a', 'b', 'c', 'd', 'e']) await open(subject);
  for (const subject of ['b', 'd', 'e']) await resolveIncident(api.db, topic(subject));
  const seen: string[] = [];
  for (let cursor: string | null = '', pages = 0; cursor !== null && pages < 5; pages++) {
    const page = await get(`${ROUTE}?limit=2${cursor && `&cursor=${cursor}`}`);
    seen.push(page.items.map(({ subject }: { subject: string }) => subject).join(''));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(['ca', 'ed', 'b']);
});

test('each shows the state of its notices', async () => {
  await open('bclinbc');
  await oweDeliveries(api.db, 'webhook');
  await oweDeliveries(api.db, 'email');
  const webhook = await claimDelivery(api.db, 'webhook', 1000);
  const email = await claimDelivery(api.db, 'email', 1000);
  await closeDelivery(api.db, webhook?.delivery.id ?? 0);
  await failDelivery(api.db, email?.delivery.id ?? 0, 'mail.example.com did not answer.', 1000);
  const at = expect.stringMatching(/^\d{4}-.*Z$/);
  const notice = { event: 'opened', attempts: 1, givenUpAt: null };
  expect((await get(ROUTE)).items).toEqual([
    {
      id: 1,
      kind: 'run_failed',
      subject: 'bclinbc',
      mirror: 'bc',
      code: 'odoo_timeout',
      message: 'Run 42 failed.',
      runId: 42,
      openedAt: at,
      resolvedAt: null,
      deliveries: [
        { ...notice, channel: 'webhook', nextAttemptAt: null, deliveredAt: at, lastError: null },
        {
          ...notice,
          channel: 'email',
          nextAttemptAt: at,
          deliveredAt: null,
          lastError: 'mail.example.com did not answer.',
        },
      ],
    },
  ]);
});

test.each(['cursor=1', 'cursor=open-0', 'cursor=open-x', 'limit=0', 'state=open'])(
  '%s is refused',
  async (query) => {
    expect((await api.inject(`${ROUTE}?${query}`)).statusCode).toBe(400);
  },
);
