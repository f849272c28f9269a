import type { Language } from '../settings/language.ts';

/**
 * A function that writes a number with the noun that goes with it in a language: `12 pages`. `many` is what French
 * says of millions: `1 000 000 de bons`.
 */
export function pluralForm(
  language: Language,
): (n: number, one: string, other: string, many?: string) => string {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  return (n, one, other, many = other) => {
    const rule = rules.select(n);
    const noun = rule === 'one' ? one : rule === 'many' ? many : other;
    // A space that does not break, as numbers hold one too.
    return `${numbers.format(n)}\u00a0${noun}`;
  };
}
