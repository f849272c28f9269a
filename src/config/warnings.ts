import { variables } from './schema.ts';
import { type Given, givenBy, isKnown, placeOf, type Source } from './source.ts';

/** Maximum of letters that differ. */
const MAX_EDITS = 2;
/** In a name with fewer letters, one may differ, and only in `.env`: the environment has many short names. */
const SHORT = 6;
/** A shorter beginning of a name, such as `ODOO_`, has too many completions. */
const LEAST_BEGINNING = 7;

const NAMES = Object.keys(variables);

/**
 * Probable mistakes that do not stop a process: lines of `.env` that Node reads differently than they look, and names
 * that are close to one of ours. They show no value.
 *
 * @throws ConfigError if there is a `.env` that cannot be read.
 */
export function configWarnings(source?: Source): string[] {
  const given = givenBy(source);
  return [
    ...(given.file?.warnings ?? []),
    ...Object.keys(given.values).flatMap((name) => {
      const meant = isKnown(name) ? undefined : meantBy(name, given);
      return meant === undefined
        ? []
        : [`${name} from ${placeOf(given.originOf(name))} has no effect. Did you mean ${meant}?`];
    }),
  ];
}

/** The variable of ours that is closest to a name; undefined if none is close. */
function meantBy(name: string, given: Given): string | undefined {
  const text = name.toUpperCase().replaceAll(/[-.]/g, '_');
  const inFile = given.originOf(name).from === '.env';
  const close = NAMES.filter((known) => inFile || known.length >= SHORT)
    .map((known) => ({ known, edits: edits(text, known) }))
    .filter(({ known, edits: count }) => count <= (known.length < SHORT ? 1 : MAX_EDITS))
    .sort((one, other) => one.edits - other.edits);
  return (
    close[0]?.known ??
    NAMES.find((known) => given.values[known] === undefined && sharesBeginning(text, known))
  );
}

/** `ODOO_USERNAME` and `ODOO_USER`, `ODOO_PASS` and `ODOO_PASSWORD`. */
function sharesBeginning(one: string, other: string): boolean {
  const [short = '', long = ''] = [one, other].sort((a, b) => a.length - b.length);
  return short.length >= LEAST_BEGINNING && short.includes('_') && long.startsWith(short);
}

/**
 * The number of letters to insert, delete, replace or swap with their neighbour. Three rows of the usual table are
 * kept.
 */
function edits(from: string, to: string): number {
  let older: number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1];
      const isSwap = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row[j] = Math.min(
        at(above, j) + 1,
        at(row, j - 1) + 1,
        at(above, j - 1) + (isSame ? 0 : 1),
        isSwap ? at(older, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [older, above] = [above, row];
  }
  return at(above, to.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY;
