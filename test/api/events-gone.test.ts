import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { listenTo, openListener } from './event-listener.ts';
import type { TestApi } from './start-api.ts';
import { bearer, startApi } from './start-api.ts';

const EVENTS = '/api/v1/sync/events';

let api: TestApi;
let url: string;
beforeAll(async () => {
  api = await startApi({}, {}, { eventEveryMs: 600_000 });
  url = await listenTo(api.app);
});
afterAll(() => {
  api.app.server.closeAllConnections();
  return api.close();
});

/** Whether there is a place for one more listener; it is given back. */
async function hasRoom(): Promise<boolean> {
  const { response, close } = await openListener(url + EVENTS, bearer(api.key));
  close();
  return response.status === 200;
}

test('listeners that wait behind another answer of their connection leave their places with it', async () => {
  const asking = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${api.key}\r\n\r\n`;
  const other = await api.reserve();
  const socket = connect(Number(new URL(url).port));
  try {
    await other`begin`;
    await other`lock table scrap_dimagaz_bc in access exclusive mode`;
    // All fifty places of the key.
    socket.write(asking('/api/v1/bc') + asking(EVENTS).repeat(50));
    await until(async () => !(await hasRoom()), 'every place to be taken');
    socket.destroy();
  } finally {
    await other`rollback`;
    other.release();
  }
  await until(hasRoom, 'a place to be free');
  expect(await hasRoom()).toBe(true);
});
