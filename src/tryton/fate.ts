import type { Hide } from '../hide.ts';
import type { CallSite, TrytonError } from './errors.ts';
import { TrytonUnknownFateError } from './errors.ts';

/** What is sent: all that its failures have to know. */
export interface Sending {
  readonly site: CallSite;
  /** Whether doing it twice, or not knowing whether it was done, matters. */
  readonly write: boolean;
}

/** What has to be known of a call to understand its answer. */
export interface Asked extends Sending {
  /** Of the request; the answer has to bear it too. */
  readonly id: number;
  /** To `root` (the server, no session), to the database with a session (`call`), or to sign in (`login`). */
  readonly kind: 'root' | 'call' | 'login';
  readonly hide: Hide;
}

/** The error for something that was sent and not properly answered: a write may have been carried out all the same. */
export function unanswered({ site, write }: Sending, error: TrytonError, reason: string): TrytonError {
  return write ? new TrytonUnknownFateError(site, reason, { cause: error }) : error;
}
