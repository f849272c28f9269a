import { effect, signal } from '@preact/signals';
import { readStored, writeStored } from './stored.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

export const theme = signal<Theme>(THEMES.find((one) => one === readStored('theme')) ?? 'system');

/** `data-theme` on the document decides which half of each `light-dark()` is shown; without it the system does. */
export function applyTheme(): void {
  effect(() => {
    const chosen = theme.value;
    if (chosen === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = chosen;
    writeStored('theme', chosen === 'system' ? null : chosen);
  });
}
