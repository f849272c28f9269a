import type { AlertsConfig } from '../../config/index.ts';
import type { Channel } from './channel.ts';
import { openEmail } from './email.ts';
import { openWebhook } from './webhook.ts';

/** The channels that are configured. Nothing is sent yet. */
export function openChannels({ webhook, email }: AlertsConfig): Channel[] {
  return [...(webhook === null ? [] : [openWebhook(webhook)]), ...(email === null ? [] : [openEmail(email)])];
}
