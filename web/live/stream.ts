import type { Overview } from '../api/answers.ts';
import { addressOf, get } from '../api/client.ts';
import { eventsEndpoint, overviewEndpoint } from '../api/endpoints.ts';
import { accept, noteConnection } from './mirror.ts';

const POLL_EVERY_MS = 5000;
const REOPEN_AFTER_MS = 10_000;

/**
 * Keeps the state of the mirror up to date for as long as the page is open: by server-sent events, and by asking
 * every few seconds while these do not come.
 */
export function watchMirror(): void {
  let polling: ReturnType<typeof setInterval> | null = null;

  const poll = async () => {
    try {
      const state = await get(overviewEndpoint);
      if (polling === null) return;
      accept(state);
      noteConnection('polling');
    } catch {
      if (polling !== null) noteConnection('lost');
    }
  };
  const startPolling = () => {
    if (polling !== null) return;
    polling = setInterval(poll, POLL_EVERY_MS);
    void poll();
  };
  const stopPolling = () => {
    if (polling !== null) clearInterval(polling);
    polling = null;
  };
  const open = () => {
    const source = new EventSource(addressOf(eventsEndpoint), { withCredentials: true });
    source.addEventListener('state', ({ data }) => {
      stopPolling();
      accept(JSON.parse(data) as Overview);
      noteConnection('live');
    });
    // The service is there, and cannot read the state: asked again and again, it says when it can.
    source.addEventListener('problem', startPolling);
    source.addEventListener('error', () => {
      startPolling();
      // A connection that broke is opened again by the browser; one that was refused is not.
      if (source.readyState === EventSource.CLOSED) setTimeout(open, REOPEN_AFTER_MS);
    });
  };
  open();
}
