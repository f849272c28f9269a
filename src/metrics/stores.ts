import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';
import type { Database } from '../db/connection.ts';
import { connectionCounts } from '../db/figures.ts';
import { fact, forget } from './facts.ts';

const STATES = ['active', 'idle', 'idle in transaction'];

/** Whether our two stores answer, and who is connected to the first. */
export function storeMetrics(registry: Registry) {
  const up = new Gauge({
    name: 'passerelle_up',
    help: 'Whether a store answered this scrape: 1 or 0. What would be read from it is left out then.',
    labelNames: ['store'],
    registers: [registry],
  });
  const connections = fact(
    registry,
    'passerelle_postgresql_connections',
    'Connections to PostgreSQL of all processes together, by what they are doing.',
    ['state'],
  );
  return {
    told: (store: 'postgresql' | 'redis', isUp: boolean) => up.set({ store }, isUp ? 1 : 0),
    refresh: async (db: Database): Promise<void> => {
      forget(connections);
      const counts = await connectionCounts(db);
      for (const state of STATES) connections.set({ state }, 0);
      for (const { state, connections: some } of counts) connections.set({ state }, some);
    },
  };
}
