import { texts } from '../../i18n/texts.ts';
import { chooseLanguage, LANGUAGES, language } from '../../settings/language.ts';
import { THEMES, theme } from '../../settings/theme.ts';

/** Each language in its own words: who looks for it may read no other. */
const NAMES = { fr: 'Français', en: 'English' } as const;

/** Language and appearance, kept in this browser. */
export function Settings() {
  const { common } = texts.value;
  return (
    <div class="settings">
      <select
        aria-label={common.languageLabel}
        value={language.value}
        onChange={({ currentTarget }) => {
          const chosen = LANGUAGES.find((one) => one === currentTarget.value);
          if (chosen !== undefined) chooseLanguage(chosen);
        }}
      >
        {LANGUAGES.map((one) => (
          <option key={one} value={one} lang={one}>
            {NAMES[one]}
          </option>
        ))}
      </select>
      <select
        aria-label={common.themeLabel}
        value={theme.value}
        onChange={({ currentTarget }) => {
          theme.value = THEMES.find((one) => one === currentTarget.value) ?? 'system';
        }}
      >
        {THEMES.map((one) => (
          <option key={one} value={one}>
            {common.themes[one]}
          </option>
        ))}
      </select>
    </div>
  );
}
