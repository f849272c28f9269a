import type { Registry } from 'prom-client';
import { Gauge } from 'prom-client';

/** A gauge that says nothing until it is set: a 0 that nobody measured would be a lie. */
export function fact<Label extends string>(
  registry: Registry,
  name: `passerelle_${string}`,
  help: string,
  labelNames: readonly Label[] = [],
): Gauge<Label> {
  const gauge = new Gauge<Label>({ name, help, labelNames: [...labelNames], registers: [registry] });
  forget(gauge);
  return gauge;
}

/** Takes back what was said: it is not known any more. */
export function forget<Label extends string>(gauge: Gauge<Label>): void {
  gauge.reset();
  // A gauge without labels is set to 0 by that.
  gauge.remove({});
}
