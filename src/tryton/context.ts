import { needsContext } from './methods.ts';
import type { Wire } from './types.ts';
import { isObject } from './wire.ts';

type WireObject = { readonly [name: string]: Wire };

/**
 * The parameters with a context as the last one, as Tryton demands for models, wizards and reports (others are left
 * as they are). A last parameter that is an object without a tag is taken for the context, and its members win over
 * the given ones; otherwise the given context is appended.
 *
 * Methods that end on an object of their own are known where their parameters tell (`write`, `on_change…`,
 * `set_preferences`, `report.….execute`). Elsewhere, `copy` with default values above all, Tryton itself
 * takes the last object for the context: give one, if only `{}`.
 */
export function withContext(method: string, params: readonly Wire[], context: WireObject): Wire[] {
  if (!needsContext(method)) return [...params];
  const last = params.at(-1);
  const own =
    last !== undefined && params.length > ownParams(method, params.length) ? asContext(last) : undefined;
  return own === undefined ? [...params, context] : [...params.slice(0, -1), { ...context, ...own }];
}

function asContext(value: Wire): WireObject | undefined {
  return isObject(value) && typeof value['__class__'] !== 'string' ? value : undefined;
}

/** How many parameters come before the context at the least, in the sources of trytond 5.0 to 7.0. */
function ownParams(method: string, given: number): number {
  const verb = method.slice(method.lastIndexOf('.') + 1);
  // write(records, values, records, values, ...)
  if (method.startsWith('model.') && verb === 'write') return given % 2 === 0 ? given : given - 1;
  // execute(ids, data)
  if (method.startsWith('report.')) return 2;
  // The record as filled in so far; the preferences.
  return /^(on_change|on_scan_code|autocomplete|pre_validate|set_preferences)/.test(verb) ? 1 : 0;
}
