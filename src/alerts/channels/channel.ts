import type { AlertChannel } from '../../db/schema/alerts.ts';
import { PasserelleError } from '../../shared/errors.ts';
import type { Notice } from '../notice.ts';

export interface Channel {
  readonly name: AlertChannel;
  /** The host, without any secret. */
  readonly target: string;
  /**
   * One attempt with a time limit. After any other error than AlertRefusedError the notice may have arrived.
   *
   * @throws AlertRefusedError, AlertUnreachableError, AlertTimeoutError, all without secrets.
   */
  send(notice: Notice, signal: AbortSignal): Promise<void>;
}

/**
 * The receiver of an alert answered and did not accept it.
 *
 * @fix Check the variables that the message names, then run `passerelle alerts test`. The alert is sent again for about
 * a day.
 */
export class AlertRefusedError extends PasserelleError {
  readonly code = 'alert_refused';
  override readonly retryable = true;
  constructor(target: string, answer: string, variables: string) {
    super(`${target} did not take the notice: ${answer}. Check ${variables}.`);
  }
}

/**
 * The receiver of an alert could not be reached (DNS, TCP or TLS failure).
 *
 * @fix Check the variables that the message names and that the receiver is up, then run `passerelle alerts test`. The
 * alert is sent again for about a day.
 */
export class AlertUnreachableError extends PasserelleError {
  readonly code = 'alert_unreachable';
  override readonly retryable = true;
  constructor(target: string, reason: string, variables: string) {
    super(`${target} cannot be reached: ${reason}. Check ${variables} and that the server is up.`);
  }
}

/**
 * The receiver of an alert did not answer in time. The alert may have arrived; it is sent again with the same id.
 *
 * @fix Check the variables that the message names and that the receiver is up, then run `passerelle alerts test`.
 */
export class AlertTimeoutError extends PasserelleError {
  readonly code = 'alert_timeout';
  override readonly retryable = true;
  constructor(target: string, ms: number, variables: string) {
    super(`${target} did not answer within ${ms} ms. Check ${variables} and that the server is up.`);
  }
}
