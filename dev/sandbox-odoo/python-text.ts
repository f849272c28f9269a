import { filled } from './planted.ts';

/** A value as Python's `repr` writes it: error messages quote conditions this way. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, item]) => `${repr(key)}: ${repr(item)}`)
      .join(', ')}}`;
  }
  return String(value);
}

/** A condition as a tuple. */
export function tuple(items: readonly unknown[]): string {
  return `(${items.map(repr).join(', ')})`;
}

/** Python's `json.dumps`: everything outside ASCII is escaped. */
export function jsonText(value: unknown): string {
  return filled(JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, escaped));
}

/** A few characters make up most of the escaped ones. */
const escapes = new Map<string, string>();

function escaped(char: string): string {
  const known = escapes.get(char);
  if (known !== undefined) return known;
  const text = `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  escapes.set(char, text);
  return text;
}
