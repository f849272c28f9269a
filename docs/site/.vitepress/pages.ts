import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DefaultTheme } from 'vitepress';
import { GROUPS } from './texts.ts';

export const DOCS = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

export type Language = 'en' | 'fr';

/** A Markdown file: its path in `docs`, and its first heading. */
export interface Page {
  file: string;
  title: string;
}

/** The order of the folders. Others follow. */
const SECTIONS = ['tutorial', 'how-to', 'reference', 'explanation', 'contributing'];
/** The pages of a folder that are shown as those of another. */
const PART_OF: Record<string, string> = { bench: 'reference' };
/** The groups of the guides. A folder or a label of docs/README.md that starts with the word is that group. */
const GUIDES = ['connect', 'use', 'monitor', 'run'];

const read = (file: string) => (existsSync(join(DOCS, file)) ? readFileSync(join(DOCS, file), 'utf8') : '');

export const hasPage = (file: string) => existsSync(join(DOCS, file));

/** The pages of a language, without its home page, in the order of the home page. Unlisted ones follow by title. */
export function pagesOf(language: Language): Page[] {
  const folder = language === 'en' ? '' : language;
  const home = posix.join(folder, 'README.md');
  const listed = linksIn(listsOf(home)).map((link) => posix.join(folder, link));
  const rank = (file: string) => (listed.includes(file) ? listed.indexOf(file) : listed.length);
  return markdownFiles(folder)
    .filter((file) => file !== home)
    .map((file) => ({ file, title: titleOf(file) }))
    .sort((a, b) => rank(a.file) - rank(b.file) || a.title.localeCompare(b.title, language));
}

export function sidebar(language: Language): DefaultTheme.SidebarItem[] {
  const prefix = language === 'en' ? '' : `${language}/`;
  const pages = pagesOf(language).map((page) => ({ ...page, path: page.file.slice(prefix.length) }));
  return grouped(pages, ({ path }) => sectionOf(path), SECTIONS, language).map((section) =>
    section.key === 'how-to'
      ? { ...section, items: grouped(section.pages, ({ path }) => guideOf(path), GUIDES, language) }
      : section,
  );
}

function sectionOf(path: string): string | undefined {
  const [folder = '', ...rest] = path.split('/');
  return rest.length === 0 ? undefined : (PART_OF[folder] ?? folder);
}

/** The group of a guide: its folder. Guides without a folder have the group in which docs/README.md lists them. */
function guideOf(path: string): string | undefined {
  const [folder = '', ...rest] = path.split('/').slice(1);
  if (rest.length > 0) return GUIDES.find((group) => folder.startsWith(group)) ?? folder;
  const item = listsOf('README.md')
    .split(/^- /m)
    .slice(1)
    .find((part) => !part.startsWith('[') && linksIn(part).includes(path));
  return item === undefined ? undefined : GUIDES.find((group) => item.toLowerCase().startsWith(group));
}

interface Group<P> {
  key: string;
  text: string;
  pages: P[];
  items: DefaultTheme.SidebarItem[];
}

/** The pages in groups of that order. Pages without a group come after them as a group without a title. */
function grouped<P extends Page>(
  pages: P[],
  groupOf: (page: P) => string | undefined,
  order: string[],
  language: Language,
): Group<P>[] {
  const keys = new Set(pages.map((page) => groupOf(page) ?? ''));
  const known = order.filter((key) => keys.has(key));
  const others = [...keys].filter((key) => key !== '' && !order.includes(key)).sort();
  return [...known, ...others, ...(keys.has('') ? [''] : [])].map((key) => {
    const own = pages.filter((page) => (groupOf(page) ?? '') === key);
    const text = GROUPS[key]?.[language] ?? key.charAt(0).toUpperCase() + key.slice(1).replaceAll('-', ' ');
    return { key, text, pages: own, items: own.map(item) };
  });
}

const item = ({ file, title }: Page): DefaultTheme.SidebarItem => ({
  // The theme writes the text as HTML.
  text: title.replaceAll('&', '&amp;').replaceAll('<', '&lt;'),
  link: `/${file.replace(/\.md$/, '').replace(/(^|\/)README$/, '$1')}`,
});

/** The sections of a home page. The table above them names some pages in another order. */
const listsOf = (home: string) =>
  read(home)
    .split(/^(?=## )/m)
    .slice(1)
    .join('');

const linksIn = (markdown: string) =>
  [...markdown.matchAll(/\]\(([^)#\s]+\.md)/g)].map(([, link = '']) => posix.normalize(link));

function titleOf(file: string): string {
  const heading = /^# +(.+)$/m.exec(read(file))?.[1];
  if (heading === undefined) throw new Error(`docs/${file} has no heading. Start it with "# " and a title.`);
  return heading.replaceAll('`', '').trim();
}

/** The files of a folder of `docs`. French pages belong to `fr` only. */
function markdownFiles(folder: string): string[] {
  if (!existsSync(join(DOCS, folder))) return [];
  return readdirSync(join(DOCS, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = posix.join(folder, entry.name);
    if (entry.isDirectory()) return file === 'site' || file === 'fr' ? [] : markdownFiles(file);
    return file.endsWith('.md') ? [file] : [];
  });
}
