import { resolve } from 'node:path';
import { errorCode } from '../shared/errors.ts';
import { type EnvFile, readEnvFile } from './env-file.ts';
import { ConfigError } from './errors.ts';
import { variables } from './schema.ts';

/** Variables by name. */
export type Source = Readonly<Record<string, string | undefined>>;

/** The place where a variable is set. */
export type Origin =
  | { readonly from: 'default' | 'environment' }
  | { readonly from: '.env'; readonly line: number };

/** Variables that are set, each with its origin. An empty variable counts as unset. */
export interface Given {
  readonly values: Readonly<Record<string, string>>;
  originOf(name: string): Origin;
  /** Null if no `.env` file was read. */
  readonly file: EnvFile | null;
}

/** The file that API, worker and commands read, in the directory where the process was started. */
export const ENV_FILE = '.env';

export const isKnown = (name: string): boolean => Object.hasOwn(variables, name);

/**
 * `source`, or the variables of this process: its environment, then those of `.env`. `defaults` apply to variables that
 * neither has.
 *
 * @throws ConfigError if there is a `.env` that cannot be read.
 */
export function givenBy(source: Source | undefined, defaults: Source = {}): Given {
  const { file, taken } = source === undefined ? ofProcess() : NO_FILE;
  const own = whatIsSet(source ?? process.env);
  return {
    values: { ...whatIsSet(defaults), ...own },
    originOf: (name) => {
      const line = taken.has(name) ? file?.lines.get(name) : undefined;
      if (line !== undefined) return { from: ENV_FILE, line };
      return { from: name in own ? 'environment' : 'default' };
    },
    file,
  };
}

interface FromFile {
  readonly file: EnvFile | null;
  /** Variables that the environment did not set. */
  readonly taken: ReadonlySet<string>;
}

const NO_FILE: FromFile = { file: null, taken: new Set() };
let fromFile: FromFile | undefined;

/**
 * Reads `.env` once. Its variables become part of the environment, because the OpenTelemetry SDK reads its own variables
 * there. A variable of the environment wins.
 */
function ofProcess(): FromFile {
  if (fromFile !== undefined) return fromFile;
  const file = readFile();
  const taken = new Set<string>();
  for (const [name, value] of Object.entries(file?.values ?? {})) {
    if (process.env[name] !== undefined) continue;
    process.env[name] = value;
    taken.add(name);
  }
  fromFile = { file, taken };
  return fromFile;
}

function readFile(): EnvFile | null {
  try {
    return readEnvFile(ENV_FILE, isKnown);
  } catch (error) {
    throw new ConfigError([
      `${resolve(ENV_FILE)}: cannot be read (${errorCode(error)}). Make it a file that this user can read.`,
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
  return origin.from === ENV_FILE ? `line ${origin.line} of .env` : `the ${origin.from}`;
}
