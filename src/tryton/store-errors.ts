import { errorMessage } from '../errors.ts';

/** An answer of Redis that says no, out of memory for one. It took no time, so the store need not be spared. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Redis repeats the arguments of a command that it does not know, and they are somebody's data. */
export function storeReason(error: unknown): string {
  return errorMessage(error).replace(/,? with args .*/s, '');
}
