import type { AlertsConfig } from '../config.ts';
import type { AlertChannel } from '../db/schema/alerts.ts';
import { openEmail } from './email.ts';
import type { Notice } from './notice.ts';
import { openWebhook } from './webhook.ts';

/** A way to tell people. */
export interface Channel {
  readonly name: AlertChannel;
  /** Where it leads, with nothing secret in it: a host. */
  readonly target: string;
  /**
   * One try, which ends in bounded time; it surely did not arrive only where this rejects with AlertRefusedError.
   *
   * @throws AlertRefusedError, AlertUnreachableError, AlertTimeoutError, with no secret in any of them.
   */
  send(notice: Notice, signal: AbortSignal): Promise<void>;
}

/** The channels that are configured. Nothing is sent yet. */
export function openChannels({ webhook, email }: AlertsConfig): Channel[] {
  return [...(webhook === null ? [] : [openWebhook(webhook)]), ...(email === null ? [] : [openEmail(email)])];
}
