import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import type { MarkdownEnv, MarkdownRenderer } from 'vitepress';
import { DOCS } from './pages.ts';

type Token = ReturnType<MarkdownRenderer['parse']>[number];

const ROOT = resolve(DOCS, '..');

/** The address of the repository: of package.json, or of the workflow that builds the site. */
export const REPOSITORY = repositoryUrl();

function repositoryUrl(): string | undefined {
  const { repository } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    repository?: string | { url: string };
  };
  const named = typeof repository === 'object' ? repository.url : repository;
  if (named !== undefined) {
    return named
      .replace(/^git\+|\.git$/g, '')
      .replace(/^(?:github:)?([\w-]+\/[\w.-]+)$/, 'https://github.com/$1');
  }
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
  return server && name ? `${server}/${name}` : undefined;
}

/** The id of a heading as GitHub makes it. VitePress would remove accents and write `-` for `_`. */
export const slug = (heading: string) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');

export function adaptMarkdown(md: MarkdownRenderer): void {
  md.core.ruler.push('links', (state) => {
    for (const { children } of state.tokens) if (children) adaptLinks(children, state.env as MarkdownEnv);
  });
  // Vue would evaluate braces in the text of a page.
  for (const name of ['text', 'code_inline'] as const) {
    const rule = md.renderer.rules[name];
    md.renderer.rules[name] = (...args) => (rule?.(...args) ?? '').replaceAll('{{', '&#123;&#123;');
  }
  const fence = md.renderer.rules.fence;
  md.renderer.rules.fence = (tokens, index, options, env: MarkdownEnv, self) => {
    const html = fence?.(tokens, index, options, env, self) ?? '';
    return isFrench(env) ? html.replace('title="Copy Code"', 'title="Copier"') : html;
  };
}

const isFrench = ({ relativePath }: MarkdownEnv) => relativePath.startsWith('fr/');

/** Removes a link, and keeps its text, if it leads out of the site and no repository is known. */
function adaptLinks(tokens: Token[], env: MarkdownEnv): void {
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token?.type !== 'link_open') continue;
    if (token.attrGet('class') === 'header-anchor') {
      if (isFrench(env)) token.attrSet('aria-label', 'Lien vers ce titre');
      continue;
    }
    const href = adapted(decodeURI(token.attrGet('href') ?? ''), env);
    if (href !== undefined) {
      token.attrSet('href', href);
      continue;
    }
    const end = tokens.findIndex(({ type }, index) => index > at && type === 'link_close');
    tokens.splice(end, 1);
    tokens.splice(at, 1);
    at -= 1;
  }
}

/** Pages keep their links. Links to other files lead to the repository: the site has no copy of them. */
function adapted(href: string, { path, relativePath }: MarkdownEnv): string | undefined {
  if (/^(?:[a-z]+:|#|\/)/i.test(href)) return href;
  const [target = '', hash] = href.split('#');
  const file = resolve(dirname(path), target);
  if (!existsSync(file)) throw new Error(`docs/${relativePath} links to ${href}, which does not exist.`);
  const inDocs = relative(DOCS, file);
  if (inDocs.endsWith('.md') && !/^(?:\.\.|site\/)/.test(inDocs))
    return href.replace(/\bREADME\.md/, 'index.md');
  if (REPOSITORY === undefined) return undefined;
  const kind = statSync(file).isDirectory() ? 'tree' : 'blob';
  return `${REPOSITORY}/${kind}/HEAD/${relative(ROOT, file)}${hash === undefined ? '' : `#${hash}`}`;
}
