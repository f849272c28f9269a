/** `__proto__` is left to be refused as an unknown parameter: validation drops it where names are free. */
const FILTER = /^filter\[(?!__proto__\])([^[\]]*)\](?:\[(?!__proto__\])([^[\]]*)\])?$/;

/**
 * Reads a query string; `filter[field]=x` and `filter[field][op]=x` become `{ filter: { field: { op: x } } }`,
 * with `eq` where no operator is given. A key given several times becomes a list.
 */
export function parseQueryString(text: string): Record<string, unknown> {
  const query: Record<string, unknown> = Object.create(null);
  for (const [key, value] of new URLSearchParams(text)) {
    const [, field, operator = 'eq'] = FILTER.exec(key) ?? [];
    if (field === undefined) add(query, key, value);
    else add(child(child(query, 'filter'), field), operator, value);
  }
  return query;
}

function child(parent: Record<string, unknown>, key: string): Record<string, unknown> {
  const found = parent[key];
  if (typeof found === 'object' && found !== null && !Array.isArray(found)) {
    return found as Record<string, unknown>;
  }
  const made: Record<string, unknown> = Object.create(null);
  parent[key] = made;
  return made;
}

function add(target: Record<string, unknown>, key: string, value: string): void {
  const known = target[key];
  if (known === undefined) target[key] = value;
  else target[key] = Array.isArray(known) ? [...known, value] : [known, value];
}
