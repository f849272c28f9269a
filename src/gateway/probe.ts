import type { CircuitProbe } from '../alerts/circuit.ts';
import type { TrytonClient } from '../tryton/client.ts';

/** What the alerts ask of the gateway; null where there is none. */
export function circuitProbe(tryton: TrytonClient | null): CircuitProbe | null {
  if (tryton === null) return null;
  return { subject: `${tryton.user}@${tryton.server}`, circuit: () => tryton.circuit() };
}
