import {
  TrytonRateLimitError,
  TrytonUnavailableError,
  TrytonUserError,
  TrytonUserWarning,
} from '../tryton/errors.ts';
import { TrytonCircuitOpenError } from '../tryton/login-errors.ts';

/** What a problem says beyond code and message where Tryton is concerned. */
interface TrytonMembers {
  readonly detail?: string;
  /** The name of the warning. */
  readonly warning?: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** Words that are meant for users are shown as they are; the rest says which call went wrong. */
export function trytonMembers(error: unknown): TrytonMembers {
  if (error instanceof TrytonUserError) return { detail: words(error) };
  if (error instanceof TrytonUserWarning) return { detail: words(error), warning: error.warning };
  const wait = waitOf(error);
  return wait === undefined ? {} : { retryAfter: Math.max(1, Math.ceil(wait / 1000)) };
}

/** Milliseconds. */
function waitOf(error: unknown): number | undefined {
  if (error instanceof TrytonCircuitOpenError) return error.until.getTime() - Date.now();
  if (error instanceof TrytonRateLimitError) return error.seconds * 1000;
  return error instanceof TrytonUnavailableError ? error.retryAfterMs : undefined;
}

function words({ detail, description }: TrytonUserError | TrytonUserWarning): string {
  return [detail, description].filter((part) => part !== '').join(' ');
}
