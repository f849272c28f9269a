import { brokenTag } from '../tryton/tagged.ts';
import type { Wire } from '../tryton/types.ts';
import { isList, isObject } from '../tryton/wire.ts';

/** Found in one call: enough to mend it by. */
const MOST_FOUND = 5;

interface Mistagged {
  readonly path: (string | number)[];
  readonly tag: string;
}

/** The tagged values below `params` that Tryton could not read, such as a date without a day: the first few. */
export function mistagged(params: readonly unknown[]): Mistagged[] {
  const found: Mistagged[] = [];
  // What the body's parser gave: nested 100 levels at most.
  search(params as readonly Wire[], [], found);
  return found;
}

function search(value: Wire, path: Mistagged['path'], found: Mistagged[]): void {
  if (found.length === MOST_FOUND) return;
  if (isList(value)) for (const [index, item] of value.entries()) search(item, [...path, index], found);
  if (!isObject(value)) return;
  const tag = brokenTag(value);
  if (tag !== undefined) found.push({ path, tag });
  else for (const [name, item] of Object.entries(value)) search(item, [...path, name.slice(0, 60)], found);
}
