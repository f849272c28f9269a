import type { Readable } from 'node:stream';
import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Browsers wait this long before they connect again. */
const RETRY_MS = 3000;

const BEAT = eventText('beat', {});

/** One listener's server-sent events: of several that it did not take in time it gets the last one. */
export class EventStream {
  /** What is sent. Its `close` event tells that the listener is gone. */
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
   * Keeps the connection alive, and tells the listener so: scripts in a page see events, and no comments. Who has taken
   * nothing from one beat to the next one is let go.
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

/**
 * Neither kept, nor compressed, nor collected by a proxy before it is passed on. The connection ends with the stream: one
 * that fell idle while the server closes would be waited for.
 */
export function sendEvents(reply: FastifyReply, events: Readable): FastifyReply {
  return reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store, no-transform')
    .header('x-accel-buffering', 'no')
    .header('connection', 'close')
    .send(events);
}
