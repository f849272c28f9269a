import { computed } from '@preact/signals';
import { language } from '../settings/language.ts';
import { en } from './en/index.ts';
import { fr } from './fr/index.ts';

type Same<Part> = {
  readonly [Key in keyof Part]: Part[Key] extends (...given: infer Given) => string
    ? (...given: Given) => string
    : Part[Key] extends string
      ? string
      : Same<Part[Key]>;
};

/** The texts of every language have the keys of English. A missing French key does not compile. */
export type Texts = Same<typeof en>;

const CATALOGUES = { en, fr } satisfies Record<typeof language.value, Texts>;

/** The texts of the language that is shown. */
export const texts = computed((): Texts => CATALOGUES[language.value]);
