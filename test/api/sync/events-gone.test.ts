import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from '../http/start-api.ts';
import { bearer, startApi } from '../http/start-api.ts';
import { listenTo, openListener } from './event-listener.ts';

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

/** Listeners that one key may have. */
const PLACES = 50;

test('listeners that wait behind another answer of their connection leave their places with it', async () => {
  const asking = (path: string) =>
    `GET ${path} HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${api.key}\r\n\r\n`;
  const other = await api.reserve();
  const socket = connect(Number(new URL(url).port));
  const held: (() => void)[] = [];
  /** Takes a place and keeps it. A place that was given back at once could refuse one of the others meanwhile. */
  const takePlace = async (): Promise<boolean> => {
    const { response, close } = await openListener(url + EVENTS, bearer(api.key));
    if (response.status === 200) held.push(close);
    else close();
    return response.status === 200;
  };
  try {
    await other`begin`;
    await other`lock table scrap_dimagaz_bc in access exclusive mode`;
    let requests = 0;
    api.app.server.on('request', () => (requests += 1));
    socket.write(asking('/api/v1/bc') + asking(EVENTS).repeat(PLACES));
    await waitFor(() => requests > PLACES, 'the requests to arrive');
    await waitFor(async () => !(await takePlace()), 'every place to be taken');
    expect(held.length).toBeLessThan(PLACES);
    socket.destroy();
    await other`rollback`;
    await waitFor(async () => {
      await takePlace();
      return held.length === PLACES;
    }, 'the places of the connection to be free');
  } finally {
    await other`rollback`;
    other.release();
    for (const close of held) close();
  }
});
