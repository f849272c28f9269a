/**
 * The documentation site: VitePress reads the Markdown files of `docs/` where they are. `npm run docs:site` builds it into
 * `docs/site/dist`, and fails on a dead link.
 *
 * - `pages.ts` lists the pages and makes the sidebar: a new page needs no change here.
 * - `markdown.ts` gives headings the ids that GitHub gives them, and turns links to other files into links to the repository.
 * - `check.ts` reads the built site: pages, search index, links to headings, requests to other hosts.
 * - Each folder of `LOCALES` that has a README.md is a language. Without `docs/fr/README.md` the site is in English only.
 *
 * `DOCS_BASE` is the path that the site is served under: `/passerelle/` for GitHub Pages, `/` otherwise.
 */
import { type DefaultTheme, defineConfig, type LocaleConfig } from 'vitepress';
import { checkSite } from './check.ts';
import { adaptMarkdown, REPOSITORY, slug } from './markdown.ts';
import { hasPage, pagesOf, sidebar } from './pages.ts';
import { FRENCH, FRENCH_SEARCH } from './texts.ts';

function theme(language: 'en' | 'fr'): DefaultTheme.Config {
  return {
    sidebar: sidebar(language),
    nav: REPOSITORY === undefined ? [] : [{ text: 'Source', link: REPOSITORY }],
    outline: [2, 3],
  };
}

const locales: LocaleConfig<DefaultTheme.Config> = {
  root: { label: 'English', lang: 'en', themeConfig: theme('en') },
};
if (hasPage('fr/README.md')) {
  locales['fr'] = {
    label: 'Français',
    lang: 'fr',
    description: 'Documentation de Passerelle : Odoo dans PostgreSQL, et une façade pour Tryton.',
    themeConfig: { ...theme('fr'), ...FRENCH },
  };
}

const french = new Set(pagesOf('fr').map(({ file }) => file.replace('fr/', '')));

export default defineConfig({
  title: 'Passerelle',
  description: 'Documentation of Passerelle: Odoo documents in PostgreSQL, and a front for Tryton.',
  base: process.env['DOCS_BASE'] || '/',
  srcDir: '..',
  srcExclude: ['site/**'],
  outDir: 'dist',
  cacheDir: '.cache',
  cleanUrls: true,
  // Examples of addresses. Other dead links are errors.
  ignoreDeadLinks: 'localhostLinks',
  rewrites: (file) => file.replace(/(^|\/)README\.md$/, '$1index.md'),
  locales,
  // An empty icon as data saves the request for /favicon.ico.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  themeConfig: {
    // The language menu leads to the same page if French has every page, otherwise to the other home page.
    i18nRouting: pagesOf('en').every(({ file }) => french.has(file)),
    search: { provider: 'local', options: { locales: { fr: { translations: FRENCH_SEARCH } } } },
  },
  markdown: {
    // GitHub knows none of these: the pages look the same on both.
    attrs: { disable: true },
    emoji: { defs: {}, shortcuts: {} },
    anchor: { slugify: slug },
    image: { lazyLoading: true },
    config: adaptMarkdown,
  },
  vite: {
    plugins: [
      {
        // Pages are outside of this folder, so that Vue is not found from where they are. Node finds it at the render.
        name: 'external-vue',
        enforce: 'pre',
        resolveId: (id, _importer, { ssr }) =>
          ssr === true && /^vue(?:\/|$)/.test(id) ? { id, external: true } : undefined,
      },
    ],
  },
  buildEnd: ({ outDir, site }) => checkSite(outDir, site.base),
});
