import type { Registry } from 'prom-client';
import type { Database } from '../db/connection.ts';
import { lastSightings } from '../db/sightings.ts';
import { fact, forget } from './facts.ts';

/** How Odoo and Tryton were last seen, by whichever process: it outlives a restart. */
export function upstreamMetrics(registry: Registry) {
  const success = fact(
    registry,
    'passerelle_upstream_last_success_timestamp_seconds',
    'When a server behind us last gave an answer.',
    ['server'],
  );
  const error = fact(
    registry,
    'passerelle_upstream_last_error_timestamp_seconds',
    'When a server behind us, or the way to it, last failed.',
    ['server'],
  );
  return {
    refresh: async (db: Database): Promise<void> => {
      forget(success);
      forget(error);
      for (const { server, succeededAt, failedAt } of await lastSightings(db)) {
        if (succeededAt !== null) success.set({ server }, succeededAt);
        if (failedAt !== null) error.set({ server }, failedAt);
      }
    },
  };
}
