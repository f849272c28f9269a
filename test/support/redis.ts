import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';

/** The Redis of this run. Its keys may be shared with other tests: see `freshPrefix`. */
export function redisUrl(): string {
  return inject('redisUrl');
}

/** A BullMQ key prefix of its own. Keys under it are removed when the run ends. */
export function freshPrefix(): string {
  return `${inject('templateName')}_${randomUUID()}`;
}
