import type { FastifyReply } from 'fastify';
import type { TrytonConfig } from '../../../config/index.ts';
import type { TrytonClient } from '../../../tryton/client.ts';
import { TrytonNoRoomError, TrytonUnknownFateError } from '../../../tryton/errors.ts';
import { isRead } from '../../../tryton/methods.ts';
import { BatchTimeoutError, BatchTooLargeError } from '../../errors.ts';
import { whenOver } from '../../replies.ts';
import type { AskedCall } from './request.ts';

/** Concurrent reads of one batch. */
const MAX_CONCURRENT_CALLS = 8;

/** Largest answers of a batch, in answers of the maximum size. */
const BATCH_ANSWERS = 4;

interface BatchLimits {
  /** Time limit for the start of a call, because the timeouts of 100 calls would add up. */
  readonly beginWithinMs: number;
  /** Maximum of bytes of all its answers. */
  readonly batchBytes: number;
}

export function batchLimits(config: Pick<TrytonConfig, 'deadlineMs' | 'maxAnswerBytes'> | null): BatchLimits {
  const { deadlineMs = 0, maxAnswerBytes = 0 } = config ?? {};
  return { beginWithinMs: deadlineMs, batchBytes: BATCH_ANSWERS * maxAnswerBytes };
}

export type Settled = PromiseSettledResult<string>;

/**
 * Runs the calls of a batch and returns their outcomes in order. Up to 8 reads run at once. A write starts when all
 * earlier calls have ended, and later calls wait for it, so a batch reads its own writes and writes keep their order. A
 * failed call does not stop the others. A call that has not started before the deadline is not sent; its outcome is a
 * BatchTimeoutError.
 */
export async function runBatch(
  calls: readonly AskedCall[],
  run: (asked: AskedCall) => Promise<string>,
  held: HeldAnswers,
  { beginWithinMs }: BatchLimits,
): Promise<readonly Settled[]> {
  const end = performance.now() + beginWithinMs;
  const begin = async (asked: AskedCall) => {
    if (performance.now() >= end) throw new BatchTimeoutError(beginWithinMs);
    return run(asked);
  };
  for (const group of groupsOf(calls)) {
    await someAtOnce(group, async ([place, asked]) => {
      const [outcome] = await Promise.allSettled([begin(asked)]);
      held.settle(place, asked.method, outcome);
    });
  }
  return held.outcomes;
}

/** A call with its place in the batch. */
type Placed = readonly [place: number, call: AskedCall];

/** Neighbouring reads together, each write alone. */
function groupsOf(calls: readonly AskedCall[]): Placed[][] {
  const groups: Placed[][] = [];
  let reads: Placed[] | null = null;
  for (const placed of calls.entries()) {
    const [, { method }] = placed;
    if (reads !== null && isRead(method)) reads.push(placed);
    else {
      const group = [placed];
      groups.push(group);
      reads = isRead(method) ? group : null;
    }
  }
  return groups;
}

async function someAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const todo = items.values();
  const worker = async () => {
    for (const item of todo) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(MAX_CONCURRENT_CALLS, items.length) }, worker));
}

/** Up to this size, an answer that is alone or of a write is not counted. */
const SMALL_BYTES = 64 * 1024;

/** A client that reads nothing of a counted answer for this long is disconnected, because the answer takes memory. */
const STALLED_MS = 60_000;

interface Held {
  readonly bytes: number;
  readonly release: () => void;
}

/**
 * The answers of one request, from their arrival until the client has them. They count against the limit of the batch
 * and against that of the process. Earlier calls of a batch take precedence: a later answer is dropped for an earlier
 * one. A write that was carried out is never reported as refused: if its answer is dropped, its outcome is unknown.
 */
export class HeldAnswers {
  readonly outcomes: Settled[] = [];
  readonly #tryton: TrytonClient;
  readonly #maxBytes: number;
  /** By the place in the batch. */
  readonly #held = new Map<number, Held>();

  constructor(tryton: TrytonClient, maxBytes: number) {
    this.#tryton = tryton;
    this.#maxBytes = maxBytes;
  }

  /** The answer of a single call. @throws TrytonNoRoomError or, for a write, TrytonUnknownFateError. */
  keepOnly(method: string, answer: string): string {
    const bytes = Buffer.byteLength(answer);
    if (bytes > SMALL_BYTES && !this.#hold(0, bytes)) throw this.#noRoom(method);
    return answer;
  }

  /** The outcome of a call of a batch. */
  settle(place: number, method: string, outcome: Settled): void {
    this.outcomes[place] = outcome;
    if (outcome.status === 'rejected') return;
    const bytes = Buffer.byteLength(outcome.value);
    if (!isRead(method) && bytes <= SMALL_BYTES) return;
    if (!this.#fits(place, bytes)) this.#drop(place, this.#tooLarge(method));
    else if (!this.#hold(place, bytes)) this.#drop(place, this.#noRoom(method));
  }

  /** Keeps the count until the client has the answer, or is gone. */
  releaseAfter(reply: FastifyReply): void {
    if (this.#held.size === 0) return;
    reply.raw.setTimeout(STALLED_MS, () => reply.raw.destroy());
    whenOver(reply, () => this.release());
  }

  release(): void {
    for (const { release } of this.#held.values()) release();
    this.#held.clear();
  }

  /** Makes room for an answer by dropping later ones, the largest first, unless the earlier ones leave it none. */
  #fits(place: number, bytes: number): boolean {
    const held = [...this.#held];
    const bytesOf = (some: typeof held) => some.reduce((sum, [, one]) => sum + one.bytes, 0);
    if (bytesOf(held.filter(([other]) => other < place)) + bytes > this.#maxBytes) return false;
    const later = held
      .filter(([other]) => other > place)
      .sort(([at, one], [beside, other]) => other.bytes - one.bytes || beside - at);
    let missing = bytesOf(held) + bytes - this.#maxBytes;
    for (const [last, { bytes: freed, release }] of later) {
      if (missing <= 0) break;
      release();
      this.#held.delete(last);
      // Only reads run at the same time, so the later answer is not of a write.
      this.#drop(last, new BatchTooLargeError(this.#maxBytes));
      missing -= freed;
    }
    return true;
  }

  #hold(place: number, bytes: number): boolean {
    const release = this.#tryton.holdAnswer(bytes);
    if (release !== null) this.#held.set(place, { bytes, release });
    return release !== null;
  }

  #drop(place: number, reason: Error): void {
    this.outcomes[place] = { status: 'rejected', reason };
  }

  #tooLarge(method: string): Error {
    if (isRead(method)) return new BatchTooLargeError(this.#maxBytes);
    const reason = `the answers of the batch have more than ${this.#maxBytes} bytes together`;
    return new TrytonUnknownFateError({ server: this.#tryton.server, method }, reason);
  }

  #noRoom(method: string): Error {
    const site = { server: this.#tryton.server, method };
    if (isRead(method)) return new TrytonNoRoomError(site);
    return new TrytonUnknownFateError(site, 'no memory was free for it');
  }
}
