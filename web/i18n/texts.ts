import { computed } from '@preact/signals';
import { BC_MIRROR, mirrorName } from '../live/mirrors.ts';
import { language } from '../settings/language.ts';
import { en } from './en/index.ts';
import { enRecords } from './en/records.ts';
import { fr } from './fr/index.ts';
import { frRecords } from './fr/records.ts';

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
/** Only the documents of the mirror `bc` are called purchase orders. */
const OF_RECORDS = { en: enRecords, fr: frRecords } satisfies Record<typeof language.value, Texts>;

/** The texts of the language and the mirror that are shown. */
export const texts = computed(
  (): Texts => (mirrorName.value === BC_MIRROR ? CATALOGUES : OF_RECORDS)[language.value],
);
