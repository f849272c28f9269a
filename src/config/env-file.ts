import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigError } from './errors.ts';
import { isSecret } from './masking.ts';

/** The variables of a `.env` file. */
export interface EnvFile {
  readonly values: Readonly<Record<string, string>>;
  /** The line of each variable. If a variable is set twice, the last line counts. */
  readonly lines: ReadonlyMap<string, number>;
  /** Lines that Node reads differently than they look. */
  readonly warnings: readonly string[];
}

/** Null if there is no such file. Throws the error of Node if the file cannot be read. */
export function readEnvFile(path: string, isKnown: (name: string) => boolean): EnvFile | null {
  try {
    // The decoder also removes the byte order mark that editors of Windows write.
    return parseEnvFile(new TextDecoder().decode(readFileSync(path)), isKnown);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** A comment of the shell after a value: `1m # every minute`. */
const COMMENT = /^\s#(\s|$)/;

/**
 * Node reads the values. This finds the line of each, and the lines that Node reads differently than they look.
 * Warnings show no value, because it may be a part of a secret. They concern variables of Passerelle only: other
 * programs may read the same file by other rules.
 */
export function parseEnvFile(text: string, isKnown: (name: string) => boolean): EnvFile {
  const rows = text.split(/\r?\n/);
  const lines = new Map<string, number>();
  const warnings: string[] = [];
  for (let index = 0; index < rows.length; index++) {
    const row = (rows[index] ?? '').trim();
    const number = index + 1;
    if (row === '' || row.startsWith('#')) continue;
    const [, name, value = ''] = /^(?:export\s+)?([^\s=#'"]+)\s*=\s*(.*)$/.exec(row) ?? [];
    if (name === undefined) {
      const [, word] = /^([A-Z][A-Z0-9_]*)\b/.exec(row) ?? [];
      if (word !== undefined && isKnown(word))
        warnings.push(`Line ${number} of .env has no effect. Write ${word}=value.`);
      continue;
    }
    const before = lines.get(name);
    lines.set(name, number);
    if (isKnown(name)) {
      if (before !== undefined)
        warnings.push(
          `${name} is in lines ${before} and ${number} of .env; the last one counts. Remove one.`,
        );
      const trouble = troubleOf(name, value);
      if (trouble !== undefined) warnings.push(`Line ${number} of .env: ${trouble}`);
    }
    index += linesInQuotes(value, rows.slice(number));
  }
  return { values: parseEnv(text) as Record<string, string>, lines, warnings };
}

/** How many of the next lines belong to a value whose quote is not closed on its own line. */
function linesInQuotes(value: string, next: readonly string[]): number {
  const quote = quoteOf(value);
  if (quote === undefined || value.includes(quote, 1)) return 0;
  return next.findIndex((row) => row.includes(quote)) + 1;
}

const quoteOf = (value: string): string | undefined => /^["'`]/.exec(value)?.[0];

function troubleOf(name: string, value: string): string | undefined {
  const quote = quoteOf(value);
  if (quote !== undefined) {
    const end = value.indexOf(quote, 1);
    if (end < 0) return `the quotes around the value of ${name} are not closed. Close them on the same line.`;
    const rest = value.slice(end + 1).trim();
    return rest === '' || rest.startsWith('#')
      ? undefined
      : `the value of ${name} ends at its second quote. Use another kind of quotes around it.`;
  }
  const hash = value.indexOf('#');
  const isComment =
    hash === 0 ? /^#(\s|$)/.test(value) : COMMENT.test(value.slice(hash - 1)) && !isSecret(name);
  if (hash >= 0 && !isComment)
    return `the value of ${name} ends before the "#", because it has no quotes. Put the value in single quotes.`;
  return /\S\s+\S/.test(hash < 0 ? value : value.slice(0, hash).trim())
    ? `the value of ${name} has a blank and no quotes. Put the value in single quotes.`
    : undefined;
}

/**
 * Sets variables in a file; every other line stays. Only its owner can read the file.
 * It is complete at any time, because a new file takes its place.
 *
 * @throws ConfigError if a value has all three kinds of quotes.
 */
export function writeEnvFile(path: string, values: Readonly<Record<string, string>>): void {
  let text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  for (const [name, value] of Object.entries(values)) {
    const line = `${name}=${quoted(value)}`;
    if (parseEnv(line)[name] !== value)
      throw new ConfigError([`${name}: a .env file cannot hold this value. Set it in the environment.`]);
    const old = new RegExp(`^${name}=.*$`, 'm');
    if (old.test(text)) text = text.replace(old, () => line);
    else text += `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
  }
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Node knows no way to escape a quote. */
function quoted(value: string): string {
  if (/^[\w@%+:,./-]+$/.test(value)) return value;
  const quote = ["'", '`', '"'].find((one) => !value.includes(one)) ?? "'";
  return `${quote}${value}${quote}`;
}
