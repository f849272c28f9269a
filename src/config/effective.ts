import { isDeepStrictEqual } from 'node:util';
import { masked } from './masking.ts';
import { variables } from './schema.ts';
import { givenBy, type Origin, type Source } from './source.ts';

/** A variable as it is in effect. */
export interface EffectiveVariable {
  readonly name: string;
  /** Without its secrets; null if it is not set and has no default. */
  readonly value: string | null;
  readonly origin: Origin;
}

/**
 * Every variable, in the order of the schema, also if the configuration is not valid.
 *
 * @throws ConfigError if there is a `.env` that cannot be read.
 */
export function effectiveVariables(source?: Source): EffectiveVariable[] {
  const given = givenBy(source);
  return Object.entries(variables).map(([name, schema]) => {
    const value = given.values[name];
    return {
      name,
      value: value === undefined ? defaultText(schema) : masked(name, value),
      origin: given.originOf(name),
    };
  });
}

type Variable = (typeof variables)[keyof typeof variables];

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** A default in the form of the environment: the schema reads it as the same value. */
function defaultText(schema: Variable): string | null {
  const unset = schema.safeParse(undefined);
  if (!unset.success || unset.data === undefined) return null;
  const fits = (text: string) => isDeepStrictEqual(schema.safeParse(text).data, unset.data);
  return textsOf(unset.data).find(fits) ?? null;
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') {
    const [unit, ms] = Object.entries(UNITS).find(([, size]) => value % size === 0 && value >= size) ?? [
      's',
      1000,
    ];
    return [String(value), `${value / ms}${unit}`];
  }
  return ['on', 'off', 'true', 'false', JSON.stringify(value)];
}
