import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeProblem } from '../../src/api/problem-details.ts';
import { code, page, table } from './markdown.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface ErrorClass {
  readonly code: string;
  readonly meaning: string;
  readonly fix: string;
}

const CLASS =
  /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?(?:export )?class (\w+) extends (?:(?!\n}\n)[\s\S])*?readonly code(?:: \w+)? = '(\w+)'([\s\S]*?)\n}\n/g;

/** Every error with a stable code, from its class. */
export function errorsPage(): string {
  const classes = ['src', 'workers'].flatMap(sources).flatMap(errorsIn);
  const rows = [...new Map(classes.map((one) => [one.code, one])).values()]
    .sort((one, other) => (one.code < other.code ? -1 : 1))
    .map((one) => [code(one.code), status(one.code), one.meaning, linked(one.fix)]);
  const intro =
    'Error codes are stable: programs may depend on them. A code is in `code` of an `application/problem+json` answer, in ' +
    '`sync_failure.code`, in `sync_log.error_code` and in `error.code` of a command with `--json`. The status is the HTTP ' +
    'status. Errors without a status occur only in runs, failures and commands.';
  return page('Errors', intro, [table(['code', 'status', 'meaning', 'what to do'], rows)]);
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(ROOT, folder, file), 'utf8'));
}

/** The errors of a source text. @throws Error if a class has no `@fix`. */
export function errorsIn(source: string): ErrorClass[] {
  return [...source.matchAll(CLASS)].map(([, comment = '', name, code = '', body = '']) => {
    const [prose = '', ...tags] = comment.replaceAll(/^\s*\*+ ?/gm, '').split(/^\s*@/m);
    const fix = tags.find((tag) => tag.startsWith('fix '))?.slice('fix '.length);
    if (fix === undefined) throw new Error(`${name} (${code}): add @fix, what to do, to its doc comment`);
    return { code, meaning: prose.trim() || messageIn(body), fix: fix.trim() };
  });
}

/** Paths of documents become links. */
const linked = (text: string): string =>
  text.replaceAll(/\bdocs\/([\w/-]+\/)?([\w-]+\.md)(#[\w-]+)?/g, '[$2](../$1$2$3)');

/** The template of the message, with open values. */
function messageIn(body: string): string {
  const [, call = ''] = /super\(([\s\S]*?)\);/.exec(body) ?? [];
  const texts = [...call.matchAll(/`((?:[^`\\]|\\.)*)`|'((?:[^'\\]|\\.)*)'/g)].map(
    ([, one, two]) => one ?? two ?? '',
  );
  return texts
    .join('')
    .replaceAll(/\$\{[^}]*\}/g, '…')
    .replaceAll('\\`', '`');
}

/** A code without a status is answered as `internal_error`. */
function status(name: string): string {
  const { status: found, code: shown } = makeProblem(name);
  return shown === name ? String(found) : '';
}
