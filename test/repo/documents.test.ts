import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { variables } from '../../src/config/schema.ts';
import { DOCUMENTS, ROOT, read } from './listed-documents.ts';

describe('.env.example', () => {
  it('names every variable that the configuration reads or Compose requires, and no other', () => {
    const named = [...read('.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name);
    const required = [...read('docker-compose.yml').matchAll(/\$\{(\w+):\?/g)].map(([, name = '']) => name);
    const expected = new Set([...Object.keys(variables), ...required]);
    expect([...new Set(named)].sort()).toEqual([...expected].sort());
  });

  it('gives each variable the description of the configuration', () => {
    const text = read('.env.example').replaceAll(/\n# /g, ' ');
    const missing = Object.entries(variables).filter(
      ([, schema]) => !text.includes(schema.description ?? '?'),
    );
    expect(missing.map(([name]) => name)).toEqual([]);
  });
});

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);

  it('links only to files that exist', () => {
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, path]) => path ?? '');
    expect(links.filter((path) => !existsSync(resolve(ROOT, document, '..', path)))).toEqual([]);
  });

  it('names only paths of this repository that exist', () => {
    const paths = [
      ...text.matchAll(
        /`((?:src|workers|web|dev|test|docs|bench|deploy|examples|\.ci|\.github)\/[\w./-]*)`/g,
      ),
    ].map(([, path]) => path ?? '');
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('names only npm scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script ?? '');
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});
