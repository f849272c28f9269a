import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasPage, pagesOf } from './pages.ts';

/** Fails if a page or a search index is missing, a link leads nowhere, or a page would request another host. */
export function checkSite(folder: string, base: string): void {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const text = (file: string) => readFileSync(join(folder, file), 'utf8');
  const html = new Map(files.filter((file) => file.endsWith('.html')).map((file) => [file, text(file)]));
  const languages = hasPage('fr/README.md') ? (['en', 'fr'] as const) : (['en'] as const);
  const faults: string[] = [];

  const homes = languages.map((language) => (language === 'en' ? 'index.html' : `${language}/index.html`));
  const pages = languages.flatMap(pagesOf).map(({ file }) => file.replace(/README\.md$/, 'index.md'));
  for (const page of [...homes, '404.html', ...pages.map((file) => file.replace(/\.md$/, '.html'))]) {
    if (!html.has(page)) faults.push(`${page} was not built`);
  }

  for (const language of languages) {
    const index = `@localSearchIndex${language === 'en' ? 'root' : language}.`;
    if (!files.some((file) => file.includes(index))) faults.push(`${index} was not built`);
  }

  for (const [page, content] of html) {
    for (const [, link = ''] of content.matchAll(/<a [^>]*?href="([^"]*)"/g)) {
      const url = new URL(link.replaceAll('&amp;', '&'), `http://site${base}${page}`);
      if (url.host === 'site' && !leads(url)) faults.push(`${page} links to ${link}, which does not exist`);
    }
    for (const [tag] of content.matchAll(/<(?:link|script|img|iframe|source|video)\b[^>]*>/g)) {
      if (/(?:src|srcset|href)="(?:https?:)?\/\//.test(tag))
        faults.push(`${page} requests another host: ${tag}`);
    }
  }
  for (const file of files.filter((name) => name.endsWith('.css'))) {
    for (const [request] of text(file).matchAll(/(?:url\(["']?|@import ["'])(?:https?:)?\/\/[^)"']*/g)) {
      faults.push(`${file} requests another host: ${request}`);
    }
  }
  if (files.some((file) => /\.(?:woff2?|ttf|otf)$/.test(file))) faults.push('the site has fonts');

  if (faults.length > 0) throw new Error(`The built site has faults:\n${[...new Set(faults)].join('\n')}`);

  function leads({ pathname, hash }: URL): boolean {
    if (!pathname.startsWith(base)) return false;
    const path = decodeURI(pathname.slice(base.length));
    const target = path === '' || path.endsWith('/') ? `${path}index.html` : path;
    const page = html.get(target) ?? html.get(`${target}.html`);
    if (page === undefined) return existsSync(join(folder, target));
    return hash === '' || page.includes(`id="${decodeURIComponent(hash.slice(1))}"`);
  }
}
