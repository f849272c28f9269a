import { closest, SHORT } from '../shared/spelling.ts';
import { variables } from './schema.ts';
import { type Given, givenBy, isKnown, placeOf, type Source } from './source.ts';

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
  // The environment has many short names that are not ours.
  const candidates = NAMES.filter((known) => inFile || known.length >= SHORT);
  return (
    closest(text, candidates) ??
    NAMES.find((known) => given.values[known] === undefined && sharesBeginning(text, known))
  );
}

/** `ODOO_USERNAME` and `ODOO_USER`, `ODOO_PASS` and `ODOO_PASSWORD`. */
function sharesBeginning(one: string, other: string): boolean {
  const [short = '', long = ''] = [one, other].sort((a, b) => a.length - b.length);
  return short.length >= LEAST_BEGINNING && short.includes('_') && long.startsWith(short);
}
