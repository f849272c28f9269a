import { effect, signal } from '@preact/signals';
import { readStored, writeStored } from './stored.ts';

export const LANGUAGES = ['fr', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The language chosen here, else the first supported one of the browser, else French. */
function initial(): Language {
  const wanted = [readStored('language'), ...navigator.languages].map((tag) =>
    tag?.slice(0, 2).toLowerCase(),
  );
  return wanted.map((tag) => LANGUAGES.find((one) => one === tag)).find((one) => one !== undefined) ?? 'fr';
}

export const language = signal<Language>(initial());

/** Called by people only: what the browser says is not kept, so that a change of it is followed. */
export function chooseLanguage(chosen: Language): void {
  language.value = chosen;
  writeStored('language', chosen);
}

export function applyLanguage(): void {
  effect(() => {
    document.documentElement.lang = language.value;
  });
}
