import { render } from 'preact';
import { App } from './app.tsx';
import { watchMirrors } from './live/stream.ts';
import { applyLanguage } from './settings/language.ts';
import { applyTheme } from './settings/theme.ts';

const root = document.getElementById('app');
if (root !== null) {
  applyTheme();
  applyLanguage();
  watchMirrors();
  render(<App />, root);
}
