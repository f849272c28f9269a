import type { Overview } from '../api/answers.ts';
import { addressOf, get } from '../api/client.ts';
import { eventsEndpoint, overviewEndpoint } from '../api/endpoints.ts';
import { accept, connection, noteConnection } from './mirror.ts';

const POLL_EVERY_MS = 5000;
/** A large ledger takes its time to count: as long as the service itself gives it for its events. */
const POLL_LIMIT_MS = 15_000;
const REOPEN_AFTER_MS = 10_000;
/** For the first event of a connection; some proxies hold them back. */
const PATIENCE_MS = 5000;
/** The service sends a beat every 15 s: two were missed. */
const SILENT_AFTER_MS = 35_000;

/**
 * Keeps the state of the mirror up to date for as long as the page is open: by server-sent events, and by asking
 * every few seconds while these do not come.
 */
export function watchMirror(): void {
  listen(polling());
}

interface Polling {
  readonly start: () => void;
  readonly stop: () => void;
}

/** Asks for the state between start and stop, each time a while after the last answer. */
function polling(): Polling {
  let isOn = false;
  let turn = 0;
  const poll = async (mine: number) => {
    while (turn === mine) {
      const state = await get(overviewEndpoint, AbortSignal.timeout(POLL_LIMIT_MS)).catch(() => null);
      if (turn !== mine) return;
      if (state !== null) accept(state);
      noteConnection(state === null ? 'lost' : 'polling');
      await new Promise((resolve) => setTimeout(resolve, POLL_EVERY_MS));
    }
  };
  const set = (on: boolean) => {
    if (on === isOn) return;
    isOn = on;
    turn += 1;
    if (on) void poll(turn);
  };
  return { start: () => set(true), stop: () => set(false) };
}

function listen(polls: Polling): void {
  const source = new EventSource(addressOf(eventsEndpoint), { withCredentials: true });
  const impatience = setTimeout(polls.start, PATIENCE_MS);
  let silence: ReturnType<typeof setTimeout> | undefined;
  const listenAnew = (afterMs: number) => {
    clearTimeout(impatience);
    clearTimeout(silence);
    source.close();
    setTimeout(() => listen(polls), afterMs);
  };
  // A connection may die without a notice to the page.
  const hear = () => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      polls.start();
      listenAnew(0);
    }, SILENT_AFTER_MS);
  };
  hear();
  source.addEventListener('beat', hear);
  source.addEventListener('state', ({ data }) => {
    hear();
    clearTimeout(impatience);
    polls.stop();
    accept(JSON.parse(data) as Overview);
    noteConnection('live');
  });
  // The service is there, and cannot read the state: asked again and again, it says when it can.
  source.addEventListener('problem', () => {
    hear();
    if (connection.value !== 'polling') noteConnection('lost');
    polls.start();
  });
  source.addEventListener('error', () => {
    polls.start();
    // A connection that broke is opened again by the browser; one that was refused is not.
    if (source.readyState === EventSource.CLOSED) listenAnew(REOPEN_AFTER_MS);
  });
}
