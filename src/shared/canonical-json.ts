/** JSON with sorted keys: equal content gives equal text, whatever the order in Odoo or PostgreSQL. */
export function canonicalJson(value: unknown): string {
  if (!holdsStruct(value)) return JSON.stringify(value);
  return JSON.stringify(value, (_key, nested: unknown) =>
    isStruct(nested) ? Object.fromEntries(sorted(Object.entries(nested))) : nested,
  );
}

const isStruct = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether the value contains names that may need sorting. */
export function holdsStruct(value: unknown): boolean {
  return Array.isArray(value) ? value.some(holdsStruct) : isStruct(value);
}

/** Entries in the order of their names. */
export const sorted = <T>(entries: readonly (readonly [string, T])[]) =>
  entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
