import type { Registry } from 'prom-client';
import { Counter } from 'prom-client';
import type { TrytonClient } from '../tryton/client.ts';
import { fact } from './facts.ts';

const OUTCOMES = ['hit', 'miss', 'stale', 'bypass', 'error'] as const;

/** The gateway's cache, sign-ins and circuit. */
export interface TrytonMetrics {
  signedIn(error: Error | null): void;
  /** Asks the client; of the circuit it asks Redis, too, which every process shares. */
  refresh(tryton: TrytonClient): Promise<void>;
}

export function trytonMetrics(registry: Registry): TrytonMetrics {
  const registers = [registry];
  const cache = new Counter({
    name: 'passerelle_tryton_cache_requests_total',
    help:
      'Calls that the cache was asked for. bypass: not a read, not cacheable or too large; error: Redis did not ' +
      'answer; stale: answered while it is fetched anew.',
    labelNames: ['outcome'],
    registers,
  });
  const logins = new Counter({
    name: 'passerelle_tryton_logins_total',
    help: 'Times that this process signed in to Tryton: at the start, and when a session is renewed.',
    labelNames: ['outcome'],
    registers,
  });
  const circuit = fact(
    registry,
    'passerelle_tryton_circuit_open',
    '1 while no login is tried because Tryton refused one; the same in every process.',
  );
  for (const outcome of ['success', 'failure']) logins.inc({ outcome }, 0);
  return {
    signedIn: (error) => logins.inc({ outcome: error === null ? 'success' : 'failure' }),
    refresh: async (tryton) => {
      const counters = Object.values(tryton.cacheCounters());
      cache.reset();
      for (const outcome of OUTCOMES) {
        cache.inc(
          { outcome },
          counters.reduce((sum, one) => sum + one[outcome], 0),
        );
      }
      circuit.set((await tryton.circuit()) === null ? 0 : 1);
    },
  };
}
