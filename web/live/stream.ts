import { effect, untracked } from '@preact/signals';
import type { Overview } from '../api/answers.ts';
import { addressOf, get, ProblemError } from '../api/client.ts';
import type { Endpoint } from '../api/endpoints.ts';
import { eventsAt, mirrorsEndpoint, overviewAt } from '../api/endpoints.ts';
import { accept, connection, forget, noteConnection, returns } from './mirror.ts';
import { acceptMirrors, board, mirrorName, mirrors } from './mirrors.ts';

const POLL_EVERY_MS = 5000;
/** A large ledger takes its time to count: as long as the service itself gives it for its events. */
const POLL_LIMIT_MS = 15_000;
const REOPEN_AFTER_MS = 10_000;
/** For the first event of a connection; some proxies hold them back. */
const PATIENCE_MS = 5000;
/** The service sends a beat every 15 s: two were missed. */
const SILENT_AFTER_MS = 35_000;

/**
 * Keeps the state of the page up to date for as long as it is open. One mirror: by server-sent events, and by asking
 * every few seconds while these do not come. All mirrors, and until their names are known: by asking.
 */
export function watchMirrors(): void {
  effect(() => {
    const name = mirrorName.value;
    return untracked(() => (name === null ? watchAll() : watchOne(name)));
  });
  effect(() => {
    // A service that was restarted may have other mirrors.
    if (returns.value > 0) void untracked(refreshMirrors);
  });
}

function watchAll(): () => void {
  const polls = polling(mirrorsEndpoint, ({ items }) => acceptMirrors(items));
  polls.start();
  return () => {
    polls.stop();
    board.value = null;
  };
}

function watchOne(name: string): () => void {
  if (connection.value !== 'lost') noteConnection('connecting');
  const polls = polling(overviewAt(name), accept);
  const left = new AbortController();
  listen(name, polls, left.signal);
  return () => {
    left.abort();
    polls.stop();
    forget();
  };
}

/** Reads the list of mirrors and their state now, between two polls. */
export async function refreshMirrors(): Promise<void> {
  const answer = await get(mirrorsEndpoint).catch(() => null);
  if (answer !== null) acceptMirrors(answer.items);
}

interface Polling {
  readonly start: () => void;
  readonly stop: () => void;
}

/** Asks for a state between start and stop, each time a while after the last answer. */
function polling<Answer>(endpoint: Endpoint<Answer>, take: (answer: Answer) => void): Polling {
  let isOn = false;
  let turn = 0;
  const poll = async (mine: number) => {
    while (turn === mine) {
      const state = await get(endpoint, AbortSignal.timeout(POLL_LIMIT_MS)).catch(noState);
      if (turn !== mine) return;
      if (state !== null) take(state);
      // Taking the answer may have ended the polling: with one mirror, only its name was wanted.
      if (turn !== mine) return;
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

/** Without its mirror, the page has to read again which mirrors there are. */
function noState(error: unknown): null {
  if (error instanceof ProblemError && error.code === 'mirror_not_found') mirrors.value = null;
  return null;
}

/** Until the mirror is left. */
function listen(name: string, polls: Polling, left: AbortSignal): void {
  const source = new EventSource(addressOf(eventsAt(name)), { withCredentials: true });
  const impatience = setTimeout(polls.start, PATIENCE_MS);
  let silence: ReturnType<typeof setTimeout> | undefined;
  const close = () => {
    clearTimeout(impatience);
    clearTimeout(silence);
    source.close();
  };
  left.addEventListener('abort', close, { once: true });
  const listenAnew = (afterMs: number) => {
    left.removeEventListener('abort', close);
    close();
    setTimeout(() => left.aborted || listen(name, polls, left), afterMs);
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
