import { errorMessage } from '../errors.ts';
import { waitFor } from './attempts.ts';

/** For one question. A store may have limits of its own, and shorter ones. */
const LIMIT_MS = 2000;

/** Waits for a store, which may hang. Rejects after two seconds, while what is waited for goes on. */
export function withinLimit<T>(asked: Promise<T>): Promise<T> {
  return waitFor(asked, LIMIT_MS, () => new Error(`no answer within ${LIMIT_MS} ms`), undefined);
}

/** An answer of Redis that says no, out of memory for one. It took no time, so the store need not be spared. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Redis repeats the arguments of a command that it does not know, and they are somebody's data. */
export function storeReason(error: unknown): string {
  return errorMessage(error).replace(/,? with args .*/s, '');
}
