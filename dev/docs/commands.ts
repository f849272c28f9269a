import { PassThrough } from 'node:stream';
import { run } from '../../src/cli/program.ts';
import { page } from './markdown.ts';

/** The `--help` of the command and of each of its subcommands. */
export async function commandsPage(): Promise<string> {
  const intro =
    '`npx passerelle COMMAND`. Exit codes: 0 success; 1 failed, or a difference found; 2 bad usage or configuration; ' +
    '3 skipped because a run is in progress. `--json` prints one JSON object on standard output and nothing else there.';
  return page('Commands', intro, await helpOf([]));
}

async function helpOf(words: readonly string[]): Promise<string[]> {
  const text = await helpText(words);
  const heading = `## ${['passerelle', ...words].join(' ')}`;
  const below = namesIn(text);
  const parts: string[] = [];
  for (const name of below) parts.push(...(await helpOf([...words, name])));
  return [`${heading}\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\``, ...parts];
}

async function helpText(words: readonly string[]): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  await run([...words, '--help'], { stdin, stdout, stderr, ask: null, onInterrupt: () => () => {} });
  return String(stdout.read() ?? stderr.read() ?? '');
}

/** The commands that a help text lists. */
function namesIn(text: string): string[] {
  const [, list = ''] = /^Commands:\n((?: {2}.*\n?)+)/m.exec(text) ?? [];
  return [...list.matchAll(/^ {2}(\w[\w-]*)/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help');
}
