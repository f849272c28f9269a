import type { Fixtures } from './testing.ts';
import type { CacheStore, SessionStore, TrytonContext, TrytonLogger } from './types.ts';

/** The outcome of one call with its retries. Cached answers are not reported. */
export interface CallOutcome {
  readonly method: string;
  readonly ms: number;
  readonly error: Error | null;
}

export interface TrytonClientOptions {
  /** URL of the database: `https://tryton.example/tryton/`. User and password in it are ignored. */
  readonly url: string;
  /** The login. */
  readonly user: string;
  readonly password: string;
  /** Part of every call's context (`language`, `company`); what a call says itself comes first. @default {} */
  readonly context?: TrytonContext | undefined;
  /** For one exchange, from connecting to the last byte; the wait for a free connection is not counted. @default 10000 */
  readonly timeoutMs?: number | undefined;
  /** The same for a login, which Tryton delays after refused ones. @default 60000 */
  readonly loginTimeoutMs?: number | undefined;
  /** For a call with all its retries, pauses and logins. @default 30000 */
  readonly deadlineMs?: number | undefined;
  /** Further tries: of reads without an answer, and of anything that could not be sent. @default 3, with fixtures 0 */
  readonly retries?: number | undefined;
  /** A longer answer is an error; counted after decompression. @default 67108864 */
  readonly maxAnswerBytes?: number | undefined;
  /** At once, for reads and for writes each; further calls wait in line, up to their deadline. @default 16 */
  readonly connections?: number | undefined;
  /** How long a session is kept for others to use. @default 86400000 */
  readonly sessionTtlMs?: number | undefined;
  /** How long no login is tried after one was refused. @default 300000 */
  readonly loginCooldownMs?: number | undefined;
  /** Where `cachedCall` keeps answers; nowhere if left out. */
  readonly cache?: CacheStore | undefined;
  /** A larger answer is not cached. @default 1048576 */
  readonly maxEntryBytes?: number | undefined;
  /** Where the session is shared with other processes; left out, this process keeps its own. */
  readonly sessions?: SessionStore | undefined;
  /** A session to begin with, for tests and migrations. */
  readonly session?: { readonly userId: number; readonly key: string } | undefined;
  /** Silent if left out. */
  readonly logger?: TrytonLogger | undefined;
  /** Epoch milliseconds. @default Date.now */
  readonly clock?: (() => number) | undefined;
  /** Called once for each call that reached the server. Its errors are logged and ignored. */
  readonly onOutcome?: ((outcome: CallOutcome) => void) | undefined;
  /** Told of each sign-in, by the client's own method `common.db.login`; else as `onOutcome`. */
  readonly onLogin?: ((outcome: CallOutcome) => void) | undefined;
  /** Answers in the server's place: then there is no network and no session. */
  readonly testing?: Fixtures | undefined;
}

const SILENT: TrytonLogger = { debug() {}, info() {}, warn() {} };

const DEFAULTS = {
  context: {},
  timeoutMs: 10_000,
  loginTimeoutMs: 60_000,
  deadlineMs: 30_000,
  retries: 3,
  maxAnswerBytes: 64 * 2 ** 20,
  connections: 16,
  sessionTtlMs: 86_400_000,
  loginCooldownMs: 300_000,
  maxEntryBytes: 2 ** 20,
  logger: SILENT,
  clock: Date.now,
} as const satisfies Partial<TrytonClientOptions>;

type Defaulted = { [K in keyof typeof DEFAULTS]-?: NonNullable<TrytonClientOptions[K]> };
export type Settings = Omit<TrytonClientOptions, keyof Defaulted> & Defaulted;

/** The options with everything left out (or undefined) filled in. */
export function settingsOf(options: TrytonClientOptions): Settings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  // A fixture that fails does so every time.
  const retries = options.testing === undefined ? DEFAULTS.retries : 0;
  return { ...options, ...DEFAULTS, retries, ...Object.fromEntries(given) };
}
