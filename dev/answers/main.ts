/**
 * The answers that documents show under their commands. `npm run docs:answers` runs each such command on a service with
 * sandboxes and writes its answer into the document; with `-- --check` it only reports the answers that differ.
 *
 * An answer is a block `text answer`, `csv answer` or `json answer` that follows a block `sh`. If it depends on the
 * machine, as versions do, its first line ends with `, varies`, and `--check` does not compare it.
 *
 *     ```sh
 *     npx passerelle status
 *     ```
 *
 *     ```text answer
 *     Database   connected
 *     ```
 *
 * A French page shows the answers of the English one: its commands do not run a second time, which would change the data.
 *
 * The data of the sandboxes have a fixed seed and a fixed clock. `shown.ts` replaces what still differs between two
 * runs, and shortens long answers.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { withResources } from '../../src/shared/lifecycle.ts';
import { createScreen, Ending } from '../demo/context.ts';
import { answered } from './blocks.ts';
import { startService } from './service.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const check = process.argv.includes('--check');

const FRENCH = /^docs\/fr\//;

/** README, LISEZMOI and all documents; the French ones last. */
async function documents(): Promise<string[]> {
  const listed = await readdir(join(ROOT, 'docs'), { recursive: true });
  const pages = listed.filter((file) => !file.includes('node_modules')).map((file) => join('docs', file));
  const sorted = pages.filter((file) => file.endsWith('.md')).sort();
  const french = sorted.filter((file) => FRENCH.test(file));
  return ['README.md', 'LISEZMOI.md', ...sorted.filter((file) => !FRENCH.test(file)), ...french];
}

await withResources(async (defer) => {
  const context = { ending: new Ending(), screen: createScreen(process.stderr), defer };
  const service = await startService(context);
  const english = new Map<string, string>();
  const answer = async (file: string, script: string): Promise<string> => {
    const command = `${file.replace(FRENCH, 'docs/')} ${script}`;
    const text = english.get(command) ?? (await service.answer(file, script));
    english.set(command, text);
    return text;
  };
  for (const file of await documents()) {
    const old = await readFile(join(ROOT, file), 'utf8');
    const text = await answered(old, (script) => answer(file, script), check);
    if (text === old) continue;
    if (!check) {
      await writeFile(join(ROOT, file), text);
      process.stdout.write(`${file}\n`);
      continue;
    }
    process.exitCode = 1;
    process.stdout.write(`${file} shows other answers than its commands give: run "npm run docs:answers".\n`);
    process.stdout.write(difference(old, text));
  }
});
// Servers that end slowly must not keep it alive.
process.exit();

/** The lines that only one of both has. */
function difference(old: string, text: string): string {
  const [before, after] = [old.split('\n'), text.split('\n')];
  const only = (some: string[], others: string[], mark: string) =>
    some.filter((line) => !others.includes(line)).map((line) => `${mark} ${line}\n`);
  return [...only(before, after, '-'), ...only(after, before, '+')].join('');
}
