import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../db/client.ts';
import { installationOf } from '../db/installation.ts';
import { claimPrefix, ForeignQueuesError, otherPrefix, type PrefixPlace } from '../queues/owner.ts';
import { isOutage, reportOutage } from '../queues/redis-outage.ts';
import { errorMessage } from '../shared/errors.ts';
import type { Log } from '../shared/logger.ts';

/** Check interval while the owner is known. */
const CHECK_EVERY_MS = 5000;

/** Check interval while PostgreSQL or Redis does not answer, or the schema is not migrated. */
const RETRY_EVERY_MS = 1000;

interface OwnedStores extends PrefixPlace {
  readonly db: Database;
}

interface Ownership {
  /** Resolves after the first attempt to check, even if PostgreSQL or Redis did not answer. */
  readonly tried: Promise<void>;
  /** Resolves when the queues are known to belong to this installation. */
  readonly claimed: Promise<void>;
  /** Rejects with a ForeignQueuesError when the queues belong to another installation; otherwise it stays pending. */
  readonly lost: Promise<never>;
  stop(): void;
}

/**
 * Claims the queues for the installation of this database, once.
 *
 * @throws ForeignQueuesError
 */
export async function claimQueues(stores: OwnedStores): Promise<void> {
  await claimPrefix(stores, await installationOf(stores.db));
}

/**
 * Claims the queues as soon as PostgreSQL and Redis answer, then checks the owner every few seconds: after FLUSHALL
 * another installation may write the owner key first.
 */
export function keepQueues(stores: OwnedStores, log: Log): Ownership {
  const stopping = new AbortController();
  const tried = signalOnce();
  const claimed = signalOnce();
  const lost = new Promise<never>((_, reject) => {
    watch(stores, log, stopping.signal, { tried: tried.fire, claimed: claimed.fire }).catch(reject);
  });
  return {
    tried: tried.fired,
    claimed: claimed.fired,
    lost,
    stop: () => stopping.abort(),
  };
}

async function watch(
  stores: OwnedStores,
  log: Log,
  stopping: AbortSignal,
  on: { readonly tried: () => void; readonly claimed: () => void },
): Promise<void> {
  const stopped = new Promise<void>((done) =>
    stopping.addEventListener('abort', () => done(), { once: true }),
  );
  let failing = false;
  let reported: string | null = null;
  while (!stopping.aborted) {
    let hasDatabase = false;
    try {
      const installation = await installationOf(stores.db);
      hasDatabase = true;
      await claimPrefix(stores, installation);
      failing = false;
      on.claimed();
      const other = await otherPrefix(stores, installation).catch((error: unknown) => {
        // Perhaps a Redis user that may use the keys of its own prefix only.
        log.debug({ reason: errorMessage(error) }, 'other values of QUEUE_PREFIX cannot be looked for');
        return null;
      });
      if (other !== null && other !== reported) {
        reported = other;
        log.warn(
          { other },
          `Another process of this installation uses QUEUE_PREFIX=${other}, this one ${stores.prefix}: both do the ` +
            'same work. Stop one of them.',
        );
      }
    } catch (error) {
      if (error instanceof ForeignQueuesError) throw error;
      // A stop closes the connections below a waiting command.
      if (!stopping.aborted) {
        if (hasDatabase && isOutage(error)) reportOutage(log, error);
        // Once for each outage of PostgreSQL.
        else if (!failing)
          log.warn({ reason: errorMessage(error) }, 'the owner of the queues cannot be checked yet');
      }
      failing = true;
    }
    on.tried();
    await Promise.race([
      stopped,
      pause(failing ? RETRY_EVERY_MS : CHECK_EVERY_MS, undefined, { ref: false }),
    ]);
  }
}

function signalOnce(): { readonly fired: Promise<void>; readonly fire: () => void } {
  let fire = (): void => {};
  const fired = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { fired, fire: () => fire() };
}
