import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The answer holds more bytes than are allowed. */
export class TooLong extends Error {
  override readonly name = 'TooLong';
}

/** What undici is told when we end an exchange; it never gets any further. */
class Cut extends Error {
  override readonly name = 'Cut';
}

interface Settle {
  resolve(answer: RawAnswer): void;
  reject(reason: unknown): void;
}

/**
 * One request and its answer, as undici's handler. It knows what `pool.request` does not tell: whether the request
 * was handed to a connection. And it can be cut at any time, also while it waits for a connection (undici looks at
 * an abort signal only once there is one).
 */
export class Exchange implements Dispatcher.DispatchHandler {
  /** False: certainly nothing has reached the server. */
  sent = false;
  readonly answer: Promise<RawAnswer>;
  readonly #longest: number;
  readonly #settle: Settle;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #controller: Dispatcher.DispatchController | null = null;
  #cut = false;

  constructor(longest: number) {
    this.#longest = longest;
    let settle: Settle = { resolve: () => {}, reject: () => {} };
    this.answer = new Promise((resolve, reject) => {
      settle = { resolve, reject };
    });
    this.#settle = settle;
  }

  /** Rejects `answer` with the reason and drops the connection, or never takes one. */
  cut(reason: unknown): void {
    this.#cut = true;
    this.#settle.reject(reason);
    this.#controller?.abort(new Cut());
  }

  /** Right before the first byte is written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#cut) {
      controller.abort(new Cut());
    } else {
      this.sent = true;
      this.#controller = controller;
    }
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#longest) this.cut(new TooLong());
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const { resolve } = this.#settle;
    resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#settle.reject(error);
  }
}
