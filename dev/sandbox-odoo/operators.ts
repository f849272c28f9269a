import { type FieldDefinition, isNumber, type OdooVersion, type Stored } from './fields.ts';
import { secondsAfter } from './stamps.ts';

export type Matcher = (value: Stored) => boolean;

const never: Matcher = () => false;
const TEXT = ['char', 'text', 'html'];

/** `=`, `!=`, `in` and `not in`, on a column. A negation also matches empty values, as in Odoo. */
export function matchEqual(
  field: FieldDefinition,
  bounds: readonly unknown[],
  version: OdooVersion,
): Matcher {
  const wanted = new Set(bounds.map((bound) => comparable(field, bound)));
  const empties =
    version === '19.0' ? emptiesOf(field) : emptiesOf(field).slice(0, field.type === 'boolean' ? 2 : 1);
  if (empties.some((empty) => wanted.has(empty))) for (const empty of empties) wanted.add(empty);
  if (version === '19.0' && field.type === 'datetime') return matchSeconds(wanted);
  return (value) => wanted.has(value);
}

/** `>`, `<`, `>=`, `<=`. From 19.0 a bound is a whole second: `> t` means `>= t + 1 s` (field-notes C1). */
export function matchRange(
  field: FieldDefinition,
  operator: string,
  bound: unknown,
  version: OdooVersion,
): Matcher {
  const limit = comparable(field, bound);
  if (field.type === 'datetime' && typeof limit === 'string') {
    return datetimeRange(operator, String(bound), limit, version);
  }
  const compare = comparison(operator, limit);
  const zero = version === '19.0' && isNumber(field) && compare(0);
  return (value) => (value === null ? zero : compare(value));
}

/** `like` and its family. `%` and `_` are wildcards; plain `like` looks anywhere. */
export function matchLike(operator: string, pattern: unknown): Matcher {
  const text = pattern === false || pattern === null ? '' : String(pattern);
  const negative = operator.startsWith('not ');
  const name = negative ? operator.slice(4) : operator;
  const exact = name.startsWith('=');
  if (text === '' && !exact) return () => !negative;
  const regex = likeRegex(exact ? text : `%${text}%`, name.endsWith('ilike'));
  return (value) => (value === null ? negative : regex.test(String(value)) !== negative);
}

function datetimeRange(operator: string, bound: string, limit: string, version: OdooVersion): Matcher {
  const dateOnly = bound.length === 10;
  const upward = operator === '>' || operator === '<=';
  if (version === '14.0') {
    const right = dateOnly && upward ? `${bound} 23:59:59` : limit;
    return nullsOut(comparison(operator, right));
  }
  const second = secondsAfter(limit, upward ? (dateOnly ? 86_400 : 1) : 0);
  return nullsOut(comparison(upward ? (operator === '>' ? '>=' : '<') : operator, second));
}

function matchSeconds(wanted: ReadonlySet<Stored>): Matcher {
  const seconds = new Set(
    [...wanted].map((value) => (typeof value === 'string' ? value.slice(0, 19) : value)),
  );
  return (value) => seconds.has(typeof value === 'string' ? value.slice(0, 19) : value);
}

const nullsOut =
  (matcher: Matcher): Matcher =>
  (value) =>
    value !== null && matcher(value);

function comparison(operator: string, limit: Stored): Matcher {
  if (limit === null) return never;
  switch (operator) {
    case '>':
      return (value) => value !== null && value > limit;
    case '<':
      return (value) => value !== null && value < limit;
    case '>=':
      return (value) => value !== null && value >= limit;
    default:
      return (value) => value !== null && value <= limit;
  }
}

/** A bound as a client means it: `False` is NULL, a date is midnight, a number may be a text. */
function comparable(field: FieldDefinition, bound: unknown): Stored {
  if (field.type === 'boolean') return bound === null ? false : Boolean(bound);
  if (bound === false || bound === null || bound === undefined) return null;
  if (isNumber(field) || field.type === 'many2one') return Number(bound);
  const text = String(bound);
  if (field.type === 'date') return text.slice(0, 10);
  if (field.type !== 'datetime') return text;
  return text.length === 10 ? `${text} 00:00:00` : text.replace(/\.0+$/, '');
}

function emptiesOf(field: FieldDefinition): Stored[] {
  if (field.type === 'boolean') return [false, null];
  if (isNumber(field)) return [null, 0];
  return TEXT.includes(field.type) ? [null, ''] : [null];
}

function likeRegex(pattern: string, insensitive: boolean): RegExp {
  const source = pattern.replaceAll(/\\(.)|[%_]|[.*+?^${}()|[\]\\/]/gs, (match, escaped?: string) => {
    if (escaped !== undefined) return escapeRegex(escaped);
    if (match === '%') return '.*';
    return match === '_' ? '.' : escapeRegex(match);
  });
  return new RegExp(`^${source}$`, insensitive ? 'isu' : 'su');
}

const escapeRegex = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
