import { startWorkers } from '../../workers/workers.ts';
import type { OpenMirror } from './open.ts';

/** Looking for workers asks Redis for all its clients: not too often. */
const LOOK_EVERY_MS = 3000;

/** The workers of this process, started when no other process has any. */
export interface Workforce {
  /** Whether this process works itself. */
  readonly own: boolean;
  /** Starts workers when a queue has none. Cheap to repeat: it looks again after a while only. */
  ensure(): Promise<void>;
  /** Lets jobs in progress finish. May be called again. */
  stop(): Promise<void>;
}

export function createWorkforce({ mirror, redis, prefix }: OpenMirror): Workforce {
  let workers: { stop(): Promise<void> } | undefined;
  let stopped: Promise<void> | undefined;
  let nextLook = 0;
  return {
    get own() {
      return workers !== undefined;
    },
    async ensure() {
      if (workers !== undefined || Date.now() < nextLook) return;
      nextLook = Date.now() + LOOK_EVERY_MS;
      const { sync, pages, bc } = mirror.queues;
      const registered = await Promise.all([sync, pages, bc].map((queue) => queue.getWorkersCount()));
      if (registered.every((count) => count > 0)) return;
      workers = await startWorkers(mirror, { redis, prefix, scheduled: false });
    },
    stop: () => {
      stopped ??= workers?.stop() ?? Promise.resolve();
      return stopped;
    },
  };
}
