import { describe, expect, it } from 'vitest';
import { DOCUMENTS, read } from './listed-documents.ts';

/** The change log may name what there was once. */
const CURRENT = DOCUMENTS.filter((file) => file !== 'CHANGELOG.md');

/** What `--help` says of each command, from the page that is made from it. */
const HELP = new Map(
  read('docs/reference/commands.md')
    .split(/^## passerelle ?/m)
    .slice(1)
    .map((part) => [part.slice(0, part.indexOf('\n')), part] as const),
);

interface Typed {
  readonly command: string;
  readonly flags: readonly string[];
}

/** Each documented `passerelle ...`, up to the end of its command. */
function commandsIn(text: string): Typed[] {
  return [...text.matchAll(/(?:npx |^\$ |`)passerelle ([a-z][^\n`|;#)]*)/gm)].map(([, rest = '']) => {
    const words = rest.trim().split(/\s+/);
    const two = words.slice(0, 2).join(' ');
    const command = HELP.has(two) ? two : (words[0] ?? '');
    const flags = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/[=\]].*$/, ''));
    return { command, flags };
  });
}

/** The routes of the reference, as patterns; also what several of them begin with. */
const ROUTES = [...read('docs/reference/api.md').matchAll(/^\| `[A-Z]+ (\/\S+)` \|/gm)].map(
  ([, route = '']) =>
    new RegExp(
      `^${route.replaceAll(/\{\w+\}/g, '[^/]+').replaceAll('/', '(?:/')}${')?'.repeat(route.split('/').length - 1)}$`,
    ),
);

describe.each(CURRENT)('%s', (document) => {
  const text = read(document);

  it('names only commands and options that there are', () => {
    const unknown = commandsIn(text).flatMap(({ command, flags }) => {
      const help = HELP.get(command);
      if (help === undefined) return [`passerelle ${command}`];
      return flags.filter((flag) => !help.includes(flag)).map((flag) => `passerelle ${command} ${flag}`);
    });
    expect(unknown).toEqual([]);
  });

  it('names only routes that there are', () => {
    const named = [...text.matchAll(/\/api\/v1\/[\w{}/.-]+/g)].map(([path]) => path.replace(/[/.]+$/, ''));
    expect(named.filter((path) => !ROUTES.some((route) => route.test(path)))).toEqual([]);
  });
});

it('the documents do name commands and routes', () => {
  const all = CURRENT.map(read).join('\n');
  expect(commandsIn(all).length).toBeGreaterThan(40);
  expect(ROUTES.length).toBeGreaterThan(20);
});
