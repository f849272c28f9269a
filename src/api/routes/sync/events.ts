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
import { findServed, mirrorOrBc, type ServedMirror, type ServedMirrors } from '../documents/place.ts';
import { aged, type Overview, overview, readOverview } from './overview.ts';

/** Reconnect delay of browsers. */
const RETRY_MS = 3000;

const BEAT = eventText('beat', {});

/** Server-sent events of one listener. A slow listener gets only the last of several events. */
export class EventStream {
  /** The output. Its `close` event is emitted when the client leaves. */
  readonly readable = new PassThrough();
  /** Null if the listener needed no key. */
  readonly keyId: number | null;
  #waiting: string | null = null;
  /** Whether output was still unread at the last heartbeat. */
  #slow = false;

  constructor(keyId: number | null) {
    this.keyId = keyId;
    this.readable.write(`retry: ${RETRY_MS}\n\n`);
    this.readable.on('drain', () => this.#pass());
  }

  /** @param message a whole event with its final empty line. */
  offer(message: string): void {
    this.#waiting = message;
    if (!this.readable.writableNeedDrain) this.#pass();
  }

  /**
   * Sends a heartbeat as an event, because scripts in a page do not see comments. A client that read nothing between
   * two heartbeats is disconnected.
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

export function eventText(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

const EXAMPLE = eventText('state', { key: 'bclinbc', isSyncing: false });

/**
 * Proxies must not cache, compress or buffer the events. The connection ends with the stream, because the server would
 * wait for an idle connection when it closes.
 */
function sendEvents(reply: FastifyReply, events: Readable): FastifyReply {
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store, no-transform')
    .header('x-accel-buffering', 'no')
    .header('connection', 'close')
    .send(events);
}

export function eventsRoute(api: Api, feed: SyncStateBroadcaster, mirrors: ServedMirrors): void {
  api.get(
    '/api/v1/sync/events',
    {
      config: {
        scope: 'bc:read',
        problems: ['mirror_not_found', 'too_many_listeners', 'shutting_down'],
      },
      exposeHeadRoute: false,
      schema: {
        tags: ['sync'],
        summary: 'The state of a mirror as it changes, as server-sent events',
        description:
          'An event `state` at once, then after each change, at most once per second. Its data is the answer of GET ' +
          '/api/v1/sync. A change of ageSeconds or elapsedMs alone sends no event. If the state cannot be read, or ' +
          'PostgreSQL does not answer within 15 s, one event `problem` is sent. Every 15 s an event `beat` with `{}` ' +
          'is sent: if two in a row are missing, the connection is dead. The stream ends when its key is revoked or ' +
          'expires, and when the server stops; connect again after 3 s.',
        querystring: z.strictObject({ mirror: mirrorOrBc }),
        response: {
          200: {
            description: 'Events',
            content: { 'text/event-stream': { schema: z.string().meta({ examples: [EXAMPLE] }) } },
          },
        },
      },
    },
    async (request, reply) => {
      const mirror = findServed(mirrors, request.query.mirror);
      const events = await feed.open(request.apiKey?.id ?? null, mirror);
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
  readonly heartbeatMs: number;
  /** Time limit for reading the state; after it, listeners get a problem. */
  readonly stateTimeoutMs: number;
}

interface LastEvent {
  /** The event with its current ages. */
  readonly message: () => string;
  /** The part that is compared with the next state. */
  readonly content: string;
}

/**
 * Sends the state of a mirror to its listeners whenever it changes: an event `state` with the answer of GET
 * /api/v1/sync. The state of a mirror is read once for all of its listeners, and not at all without listeners. If it
 * cannot be read, they get one `problem` event.
 */
export class SyncStateBroadcaster {
  readonly #deps: ApiContext;
  readonly #mirrors: ServedMirrors;
  readonly #times: FeedTimes;
  readonly #feeds = new Map<string, MirrorFeed>();
  #closed = false;

  constructor(deps: ApiContext, mirrors: ServedMirrors, times: FeedTimes) {
    this.#deps = deps;
    this.#mirrors = mirrors;
    this.#times = times;
    deps.stopping.addEventListener('abort', () => this.close(), { once: true });
  }

  /**
   * The events of a new listener: the current state, then each change. Destroy the stream, or read it to its end.
   *
   * @param keyId the key, which must stay valid; null if none was needed.
   * @throws TooManyListenersError, ShuttingDownError, or the error of reading the state.
   */
  async open(keyId: number | null, mirror: ServedMirror): Promise<Readable> {
    const assertRoom = () => this.#assertRoom(keyId);
    return this.#feedOf(mirror).open(keyId, assertRoom);
  }

  /** Ends all streams for good. */
  close(): void {
    this.#closed = true;
    for (const feed of this.#feeds.values()) feed.close();
  }

  #feedOf(mirror: ServedMirror): MirrorFeed {
    const known = this.#feeds.get(mirror.name);
    if (known !== undefined) return known;
    const read = () => readOverview(this.#deps, this.#mirrors, mirror);
    const feed = new MirrorFeed(this.#deps, read, this.#times);
    this.#feeds.set(mirror.name, feed);
    return feed;
  }

  /** The limits are those of all mirrors together. */
  #assertRoom(keyId: number | null): void {
    if (this.#closed) throw new ShuttingDownError();
    const keys = [...this.#feeds.values()].flatMap((feed) => feed.keyIds());
    const ofOne = keys.filter((one) => one === keyId).length;
    if (keys.length >= MAX_LISTENERS || ofOne >= MAX_LISTENERS_PER_KEY) throw new TooManyListenersError();
  }
}

/** The listeners of one mirror. */
class MirrorFeed {
  readonly #deps: ApiContext;
  readonly #readState: () => Promise<Overview>;
  readonly #times: FeedTimes;
  readonly #streams = new Set<EventStream>();
  readonly #polls: PeriodicTask;
  #reading: Promise<void> | null = null;
  #readAt = 0;
  #beat: NodeJS.Timeout | undefined;
  #last: LastEvent | null = null;

  constructor(deps: ApiContext, readState: () => Promise<Overview>, times: FeedTimes) {
    this.#deps = deps;
    this.#readState = readState;
    this.#times = times;
    this.#polls = new PeriodicTask({
      work: () => this.#read().catch((error: unknown) => this.#sendProblem(error)),
      everyMs: times.everyMs,
      failed: (error) => deps.log.warn({ reason: errorMessage(error) }, 'live events'),
      restMs: () => this.#restMs(),
    });
  }

  /** @param assertRoom called again after the state was read: other listeners may have joined. */
  async open(keyId: number | null, assertRoom: () => void): Promise<Readable> {
    assertRoom();
    // Without listeners the state was not read recently.
    if (this.#last === null || this.#streams.size === 0) await this.#read();
    assertRoom();
    const stream = new EventStream(keyId);
    this.#streams.add(stream);
    stream.readable.once('close', () => this.#leave(stream));
    if (this.#last !== null) stream.offer(this.#last.message());
    this.#beat ??= setInterval(() => this.#beatAll(), this.#times.heartbeatMs);
    this.#polls.start();
    return stream.readable;
  }

  /** The key of each listener; null if it needed none. */
  keyIds(): (number | null)[] {
    return [...this.#streams].map(({ keyId }) => keyId);
  }

  close(): void {
    for (const stream of this.#streams) stream.end();
    this.#rest();
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
   * Concurrent listeners share one read, also if it is slow: otherwise hanging statements would use all connections. A
   * late result is sent when it arrives.
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
    this.#sendState(await this.#readState());
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

/** The state without its ages. */
function contentOf({ ageSeconds: _age, currentRun, ...rest }: Overview): string {
  return JSON.stringify({ ...rest, currentRun: currentRun && { ...currentRun, elapsedMs: 0 } });
}
