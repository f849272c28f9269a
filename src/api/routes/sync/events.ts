import { PassThrough, type Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { usableKeys } from '../../../db/api-keys.ts';
import { errorMessage } from '../../../shared/errors.ts';
import { PeriodicTask } from '../../../shared/periodic-task.ts';
import type { Api, ApiContext } from '../../context.ts';
import { answerWithin, ShuttingDownError, TooManyListenersError } from '../../errors.ts';
import { toProblem } from '../../problem-details.ts';
import { whileClientWaits } from '../../replies.ts';
import { aged, type Overview, overview, readOverview } from './overview.ts';

/** Browsers wait this long before they connect again. */
const RETRY_MS = 3000;

const BEAT = eventText('beat', {});

/** One listener's server-sent events: of several that it did not take in time it gets the last one. */
export class EventStream {
  /** The output. Its `close` event is emitted when the client leaves. */
  readonly readable = new PassThrough();
  /** The key it came with; null: it needed none. */
  readonly keyId: number | null;
  #waiting: string | null = null;
  /** It had not taken all that it was given, or its end, when the last beat came. */
  #slow = false;

  constructor(keyId: number | null) {
    this.keyId = keyId;
    this.readable.write(`retry: ${RETRY_MS}\n\n`);
    this.readable.on('drain', () => this.#pass());
  }

  /** @param message a whole event, with the empty line at its end. */
  offer(message: string): void {
    this.#waiting = message;
    if (!this.readable.writableNeedDrain) this.#pass();
  }

  /**
   * Sends a heartbeat as an event, because scripts in a page do not see comments. A client that read
   * nothing between two heartbeats is disconnected.
   */
  beat(): void {
    const isSlow = this.readable.writableNeedDrain || this.readable.writableEnded;
    if (isSlow && this.#slow) this.readable.destroy();
    else if (!isSlow) this.readable.write(BEAT);
    this.#slow = isSlow;
  }

  end(): void {
    this.readable.end();
  }

  #pass(): void {
    const message = this.#waiting;
    this.#waiting = null;
    if (message !== null && !this.readable.writableEnded) this.readable.write(message);
  }
}

/** An event whose data is one line of JSON. */
export function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

const EXAMPLE = eventText('state', { key: 'bclinbc', isSyncing: false });

/**
 * Neither kept, nor compressed, nor collected by a proxy before it is passed on. The connection ends with the stream: one
 * that fell idle while the server closes would be waited for.
 */
function sendEvents(reply: FastifyReply, events: Readable): FastifyReply {
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store, no-transform')
    .header('x-accel-buffering', 'no')
    .header('connection', 'close')
    .send(events);
}

/** The state of the mirror as it changes. */
export function eventsRoute(api: Api, feed: SyncStateBroadcaster): void {
  api.get(
    '/api/v1/sync/events',
    {
      config: { scope: 'bc:read', problems: ['too_many_listeners', 'shutting_down'] },
      exposeHeadRoute: false,
      schema: {
        tags: ['sync'],
        summary: 'The state of the mirror as it changes, as server-sent events',
        description:
          'An event `state` at once, then whenever it changed, at most each second: its data is what GET /api/v1/sync ' +
          'answers. ageSeconds and elapsedMs alone are no change. While the state cannot be read, or PostgreSQL keeps ' +
          'silent for 15 s, one event `problem`. Every 15 s an event `beat` with `{}`: where two in a row fail to come, ' +
          'the connection is dead. The stream ends when its key is revoked or expires, and when the server stops; ask again after 3 s.',
        response: {
          200: {
            description: 'Events',
            content: { 'text/event-stream': { schema: z.string().meta({ examples: [EXAMPLE] }) } },
          },
        },
      },
    },
    async (request, reply) => {
      const events = await feed.open(request.apiKey?.id ?? null);
      const gone = whileClientWaits(reply)();
      if (gone.aborted) events.destroy();
      else gone.addEventListener('abort', () => events.destroy(), { once: true });
      return sendEvents(reply, events);
    },
  );
}

const MAX_LISTENERS = 200;
/** Maximum for one key, and for all admin pages, so that none takes all streams. */
const MAX_LISTENERS_PER_KEY = 50;

interface FeedTimes {
  /** Minimum interval between two events. */
  readonly everyMs: number;
  /** At least so often something is sent. */
  readonly heartbeatMs: number;
  /** After so long of waiting for the state its listeners hear that it cannot be read. */
  readonly stateTimeoutMs: number;
}

/** The last event. */
interface LastEvent {
  /** The event, as it is by now. */
  readonly message: () => string;
  /** The part that is compared with the next state. */
  readonly content: string;
}

/**
 * Sends the state of the mirror to all listeners whenever it changes: an event `state` with the answer of
 * GET /api/v1/sync. The state is read once for all of them, and not at all without listeners. If it cannot
 * be read, they get one `problem` event.
 */
export class SyncStateBroadcaster {
  readonly #deps: ApiContext;
  readonly #times: FeedTimes;
  readonly #streams = new Set<EventStream>();
  readonly #polls: PeriodicTask;
  #reading: Promise<void> | null = null;
  #readAt = 0;
  #beat: NodeJS.Timeout | undefined;
  #last: LastEvent | null = null;
  #closed = false;

  constructor(deps: ApiContext, times: FeedTimes) {
    this.#deps = deps;
    this.#times = times;
    this.#polls = new PeriodicTask({
      work: () => this.#read().catch((error: unknown) => this.#sendProblem(error)),
      everyMs: times.everyMs,
      failed: (error) => deps.log.warn({ reason: errorMessage(error) }, 'live events'),
      restMs: () => this.#restMs(),
    });
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
    // Without listeners the state was not read recently.
    if (this.#last === null || this.#streams.size === 0) await this.#read();
    this.#assertRoom(keyId);
    const stream = new EventStream(keyId);
    this.#streams.add(stream);
    stream.readable.once('close', () => this.#leave(stream));
    if (this.#last !== null) stream.offer(this.#last.message());
    this.#beat ??= setInterval(() => this.#beatAll(), this.#times.heartbeatMs);
    this.#polls.start();
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
    if (this.#streams.size >= MAX_LISTENERS || ofOne >= MAX_LISTENERS_PER_KEY)
      throw new TooManyListenersError();
  }

  #leave(stream: EventStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#rest();
  }

  /** Discards the cached state; it would be stale when the next client connects. */
  #rest(): void {
    void this.#polls.stop();
    clearInterval(this.#beat);
    this.#beat = undefined;
    this.#last = null;
  }

  #beatAll(): void {
    for (const stream of this.#streams) stream.beat();
  }

  /** Counting the ledger of a large run is slow, so at most half of the time is spent on it. */
  #restMs(): number {
    const took = this.#reading === null ? performance.now() - this.#readAt : 0;
    return Math.max(this.#times.everyMs - took, took);
  }

  /**
   * Concurrent listeners share one read, also if it is slow: otherwise hanging statements would use all
   * connections. A late result is sent when it arrives.
   */
  #read(): Promise<void> {
    if (this.#reading === null) {
      this.#readAt = performance.now();
      this.#reading = this.#readNow().finally(() => {
        this.#reading = null;
      });
    }
    return answerWithin(this.#reading, 'PostgreSQL', this.#times.stateTimeoutMs);
  }

  async #readNow(): Promise<void> {
    await this.#endRevoked();
    this.#sendState(await readOverview(this.#deps));
  }

  /** Later listeners get the state with its current age. */
  #sendState(state: Overview): void {
    const at = performance.now();
    const message = () => eventText('state', z.encode(overview, aged(state, performance.now() - at)));
    this.#send({ message, content: contentOf(state) });
  }

  #sendProblem(error: unknown): void {
    const problem = toProblem(error);
    if (this.#last?.content !== problem.code) {
      this.#deps.log.warn({ reason: errorMessage(error) }, 'the state of the mirror cannot be read');
    }
    const message = eventText('problem', problem);
    this.#send({ message: () => message, content: problem.code });
  }

  #send(next: LastEvent): void {
    const isNews = next.content !== this.#last?.content;
    this.#last = next;
    if (!isNews) return;
    const message = next.message();
    for (const stream of this.#streams) stream.offer(message);
  }

  /** Closes the streams of revoked and expired keys. Without PostgreSQL there are no events anyway. */
  async #endRevoked(): Promise<void> {
    // Listeners that joined during the query are not part of its result.
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
