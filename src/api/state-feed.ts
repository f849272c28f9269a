import type { Readable } from 'node:stream';
import { z } from 'zod';
import { usableKeys } from '../db/api-keys.ts';
import { errorMessage } from '../errors.ts';
import type { ApiDeps } from './deps.ts';
import { EventStream, eventText } from './event-stream.ts';
import { ShuttingDownError, TooManyListenersError } from './feed-errors.ts';
import type { Overview } from './overview.ts';
import { aged, overview, readOverview } from './overview.ts';
import { toProblem } from './problem.ts';
import { within } from './within.ts';

const MOST_LISTENERS = 200;
/** Of one key, or of the admin pages together: nobody takes all the places. */
const MOST_OF_ONE = 50;

export interface FeedTimes {
  /** At most so often the state is told. */
  readonly everyMs: number;
  /** At least so often something is sent. */
  readonly heartbeatMs: number;
  /** After so long of waiting for the state its listeners hear that it cannot be read. */
  readonly stateTimeoutMs: number;
}

/** What was told last. */
interface Told {
  /** The event, as it is by now. */
  readonly message: () => string;
  /** What of it tells whether the next one is news. */
  readonly content: string;
}

/**
 * Tells listeners the state of the mirror whenever it changed: an event `state` with what GET /api/v1/sync answers. It
 * is read once for all of them, and not at all while there are none. While it cannot be read they get one `problem`.
 */
export class StateFeed {
  readonly #deps: ApiDeps;
  readonly #times: FeedTimes;
  readonly #streams = new Set<EventStream>();
  #looking: Promise<void> | null = null;
  #lookedAt = 0;
  #look: NodeJS.Timeout | undefined;
  #polling = false;
  #beat: NodeJS.Timeout | undefined;
  #last: Told | null = null;
  #closed = false;

  constructor(deps: ApiDeps, times: FeedTimes) {
    this.#deps = deps;
    this.#times = times;
    deps.stopping.addEventListener('abort', () => this.close(), { once: true });
  }

  /**
   * A new listener's events: the state as it is, then each change. To be destroyed, or read until it ends.
   *
   * @param keyId the key it came with, which must stay good; null: it needed none.
   * @throws TooManyListenersError, ShuttingDownError, or what reading the state throws.
   */
  async open(keyId: number | null): Promise<Readable> {
    this.#assertRoom(keyId);
    // Without listeners nobody has looked lately.
    if (this.#last === null || this.#streams.size === 0) await this.#read();
    this.#assertRoom(keyId);
    const stream = new EventStream(keyId);
    this.#streams.add(stream);
    stream.readable.once('close', () => this.#leave(stream));
    if (this.#last !== null) stream.offer(this.#last.message());
    this.#beat ??= setInterval(() => this.#beatAll(), this.#times.heartbeatMs);
    if (!this.#polling) this.#look ??= setTimeout(() => void this.#poll(), this.#times.everyMs);
    return stream.readable;
  }

  /** Ends all streams, at once and for good. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream.end();
    this.#rest();
  }

  #assertRoom(keyId: number | null): void {
    if (this.#closed) throw new ShuttingDownError();
    const ofOne = [...this.#streams].filter((stream) => stream.keyId === keyId).length;
    if (this.#streams.size >= MOST_LISTENERS || ofOne >= MOST_OF_ONE) throw new TooManyListenersError();
  }

  #leave(stream: EventStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#rest();
  }

  /** What was told last is forgotten: it will be old when the next listener comes. */
  #rest(): void {
    clearTimeout(this.#look);
    clearInterval(this.#beat);
    this.#look = undefined;
    this.#beat = undefined;
    this.#last = null;
  }

  #beatAll(): void {
    for (const stream of this.#streams) stream.beat();
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    await this.#read().catch((error: unknown) => this.#tellProblem(error));
    this.#polling = false;
    if (this.#closed || this.#streams.size === 0) return;
    // The ledger of a large run takes long to count: no more than half of the time is spent on it.
    const took = this.#looking === null ? performance.now() - this.#lookedAt : 0;
    const pause = Math.max(this.#times.everyMs - took, took);
    this.#look = setTimeout(() => void this.#poll(), pause);
  }

  /**
   * Listeners that come at the same time share one look, also one that is late: with a new one each time, the
   * statements that hang would take all connections. What a late one finds is told when it does.
   */
  #read(): Promise<void> {
    if (this.#looking === null) {
      this.#lookedAt = performance.now();
      this.#looking = this.#lookNow().finally(() => {
        this.#looking = null;
      });
    }
    return within(this.#looking, 'PostgreSQL', this.#times.stateTimeoutMs);
  }

  async #lookNow(): Promise<void> {
    await this.#letGo();
    this.#tell(await readOverview(this.#deps));
  }

  /** Who comes later gets the state with the age that it has by then. */
  #tell(state: Overview): void {
    const at = performance.now();
    const message = () => eventText('state', z.encode(overview, aged(state, performance.now() - at)));
    this.#send({ message, content: contentOf(state) });
  }

  #tellProblem(error: unknown): void {
    const problem = toProblem(error);
    if (this.#last?.content !== problem.code) {
      this.#deps.log.warn({ reason: errorMessage(error) }, 'the state cannot be told for now');
    }
    const message = eventText('problem', problem);
    this.#send({ message: () => message, content: problem.code });
  }

  #send(told: Told): void {
    const isNews = told.content !== this.#last?.content;
    this.#last = told;
    if (!isNews) return;
    const message = told.message();
    for (const stream of this.#streams) stream.offer(message);
  }

  /** A key that was revoked or expired hears no more. Without PostgreSQL there is nothing to hear either. */
  async #letGo(): Promise<void> {
    // Who comes while PostgreSQL is asked was not asked about.
    const asked = [...this.#streams].filter(({ keyId }) => keyId !== null);
    if (asked.length === 0) return;
    const ids = asked.flatMap(({ keyId }) => keyId ?? []);
    const usable = await usableKeys(this.#deps.db, ids).catch(() => null);
    for (const stream of asked) {
      if (stream.keyId !== null && usable?.has(stream.keyId) === false) stream.end();
    }
  }
}

/** The state without what time alone changes. */
function contentOf({ ageSeconds: _age, currentRun, ...rest }: Overview): string {
  return JSON.stringify({ ...rest, currentRun: currentRun && { ...currentRun, elapsedMs: 0 } });
}
