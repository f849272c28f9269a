import { render } from 'preact';
import { App } from './app.tsx';
import { watchMirror } from './live/stream.ts';
import { applyLanguage } from './settings/language.ts';
import { applyTheme } from './settings/theme.ts';

const root = document.getElementById('app');
if (root !== null) {
  applyTheme();
  applyLanguage();
  watchMirror();
  render(<App />, root);
}
