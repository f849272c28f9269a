import { resolve } from 'node:path';
import { errorCode } from '../shared/errors.ts';
import { type EnvFile, readEnvFile, writeEnvFile } from './env-file.ts';
import { ConfigError } from './errors.ts';
import { variables } from './schema.ts';

/** Variables by name. */
export type Source = Readonly<Record<string, string | undefined>>;

/** The place where a variable is set. */
export type Origin =
  | { readonly from: 'default' | 'environment' }
  | { readonly from: (typeof FILES)[number]; readonly line: number };

/** Variables that are set, each with its origin. An empty variable counts as unset. */
export interface Given {
  readonly values: Readonly<Record<string, string>>;
  originOf(name: string): Origin;
  /** Null if no `.env` file was read. */
  readonly file: EnvFile | null;
}

/** The file that API, worker and commands read, in the directory where the process was started. */
export const ENV_FILE = '.env';

/** In that directory too: the servers that `passerelle up` started. Variables of `.env` win. */
export const UP_FILE = '.passerelle/env';

const FILES = [ENV_FILE, UP_FILE] as const;

export const isKnown = (name: string): boolean => Object.hasOwn(variables, name);

/**
 * `source`, or the variables of this process: its environment, then those of `.env`, then those of `passerelle up`.
 * `defaults` apply to variables that none of them has.
 *
 * @throws ConfigError if there is a file that cannot be read.
 */
export function givenBy(source: Source | undefined, defaults: Source = {}): Given {
  const { file, origins } = source === undefined ? ofProcess() : NO_FILES;
  const own = whatIsSet(source ?? process.env);
  return {
    values: { ...whatIsSet(defaults), ...own },
    originOf: (name) => origins.get(name) ?? { from: name in own ? 'environment' : 'default' },
    file,
  };
}

interface FromFiles {
  /** `.env` */
  readonly file: EnvFile | null;
  /** The origins of variables that the environment did not set. */
  readonly origins: ReadonlyMap<string, Origin>;
}

const NO_FILES: FromFiles = { file: null, origins: new Map() };
const origins = new Map<string, Origin>();
let fromFiles: FromFiles | undefined;

/**
 * Reads the files once. Their variables become part of the environment, because the OpenTelemetry SDK reads its own
 * variables there. A variable of the environment wins.
 */
function ofProcess(): FromFiles {
  fromFiles ??= { file: take(), origins };
  return fromFiles;
}

function take(): EnvFile | null {
  const [file] = FILES.map((from) => {
    const found = readFile(from);
    for (const [name, value] of Object.entries(found?.values ?? {})) {
      const present = process.env[name];
      const isEmptyLine = present === '' && origins.has(name);
      if (present !== undefined && !isEmptyLine) continue;
      process.env[name] = value;
      origins.set(name, { from, line: found?.lines.get(name) ?? 0 });
    }
    return found;
  });
  return file ?? null;
}

/**
 * Adds variables to `.env`, and to this process, which must not have them.
 *
 * @throws the error of Node if the file cannot be written.
 */
export function saveSettings(values: Readonly<Record<string, string>>): void {
  writeEnvFile(ENV_FILE, values);
  for (const name of Object.keys(values)) delete process.env[name];
  fromFiles = undefined;
}

function readFile(path: string): EnvFile | null {
  try {
    return readEnvFile(path, isKnown);
  } catch (error) {
    throw new ConfigError([
      `${resolve(path)}: cannot be read (${errorCode(error)}). Make it a file that this user can read.`,
    ]);
  }
}

function whatIsSet(source: Source): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(source).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
    ),
  );
}

/** `line 12 of .env`, for messages. */
export function placeOf(origin: Origin): string {
  return 'line' in origin ? `line ${origin.line} of ${origin.from}` : `the ${origin.from}`;
}
