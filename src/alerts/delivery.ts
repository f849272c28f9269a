import { type ClaimedDelivery, claimDelivery, closeDelivery, failDelivery } from '../db/alerts.ts';
import type { Database } from '../db/client.ts';
import { errorMessage } from '../shared/errors.ts';
import type { Log } from '../shared/logger.ts';
import { backoffMs } from '../shared/retry.ts';
import type { Channel } from './channels/channel.ts';
import { noticeOf } from './notice.ts';

interface Outbox {
  readonly db: Database;
  readonly channel: Channel;
  readonly log: Log;
}

/** Longer than any attempt. */
const HOLD_MS = 60_000;

/** About a day: pauses grow from 10 s to 15 minutes, with jitter of up to one half. */
const PAUSES = { tries: 130, firstDelayMs: 10_000, longestDelayMs: 900_000 };

/**
 * Sends the due notices of this channel, one at a time, until one fails. The others would fail too; the next check
 * sends them.
 */
export async function deliverDue(outbox: Outbox, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const claimed = await claimDelivery(outbox.db, outbox.channel.name, HOLD_MS);
    if (claimed === null || !(await attempt(outbox, claimed, signal))) return;
  }
}

async function attempt(
  { db, channel, log }: Outbox,
  { delivery, incident }: ClaimedDelivery,
  signal: AbortSignal,
): Promise<boolean> {
  const { id, event, attempts } = delivery;
  const about = { incident: incident.id, event, channel: channel.name };
  try {
    await channel.send(noticeOf(incident, event), signal);
  } catch (error) {
    const reason = errorMessage(error);
    const isLast = attempts >= PAUSES.tries;
    const pauseMs = signal.aborted ? 0 : backoffMs(PAUSES, attempts);
    await failDelivery(db, id, reason, isLast ? null : pauseMs);
    if (isLast) log.error({ ...about, attempts, reason }, 'alert given up');
    else log.warn({ ...about, attempts, reason }, 'alert not delivered');
    return false;
  }
  await closeDelivery(db, id);
  log.info(about, 'alert delivered');
  return true;
}
