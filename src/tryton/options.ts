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
  /** Part of every call's context (`language`, `company`); the context of a call takes precedence. @default {} */
  readonly context?: TrytonContext | undefined;
  /**
   * Limit of one exchange, from connecting to the last byte; the wait for a free connection is not counted. @default
   * 10000
   */
  readonly timeoutMs?: number | undefined;
  /** The same for a login, which Tryton delays after refused ones. @default 60000 */
  readonly loginTimeoutMs?: number | undefined;
  /** Limit of a call with all its retries, pauses and logins. @default 30000 */
  readonly deadlineMs?: number | undefined;
  /** Further attempts: of reads without an answer, and of calls that could not be sent. @default 3, with fixtures 0 */
  readonly retries?: number | undefined;
  /** A longer answer is an error; counted after decompression. @default 67108864 */
  readonly maxAnswerBytes?: number | undefined;
  /** Limit of all answers that are read or held (`holdAnswer`) at the same time. @default unlimited */
  readonly maxHeldBytes?: number | undefined;
  /**
   * Maximum of concurrent calls, for reads and for writes each. Further calls wait up to their deadline. @default 16
   */
  readonly connections?: number | undefined;
  /** How long a session is shared. @default 86400000 */
  readonly sessionTtlMs?: number | undefined;
  /** Pause of logins after a refused one. @default 300000 */
  readonly loginCooldownMs?: number | undefined;
  /** Where `cachedCall` stores answers; if unset, it stores none. */
  readonly cache?: CacheStore | undefined;
  /** A larger answer is not cached. @default 1048576 */
  readonly maxEntryBytes?: number | undefined;
  /** Where the session is shared with other processes; if unset, this process has its own. */
  readonly sessions?: SessionStore | undefined;
  /** The first session, for tests and migrations. */
  readonly session?: { readonly userId: number; readonly key: string } | undefined;
  /** If unset, nothing is logged. */
  readonly logger?: TrytonLogger | undefined;
  /** Epoch milliseconds. @default Date.now */
  readonly clock?: (() => number) | undefined;
  /** Called once for each call that reached the server. Its errors are logged and ignored. */
  readonly onOutcome?: ((outcome: CallOutcome) => void) | undefined;
  /** Called for each sign-in, with the client's own method `common.db.login`; otherwise like `onOutcome`. */
  readonly onLogin?: ((outcome: CallOutcome) => void) | undefined;
  /** Answers in place of the server: then there is no network and no session. */
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
  maxHeldBytes: Number.POSITIVE_INFINITY,
  connections: 16,
  sessionTtlMs: 86_400_000,
  loginCooldownMs: 300_000,
  maxEntryBytes: 2 ** 20,
  logger: SILENT,
  clock: Date.now,
} as const satisfies Partial<TrytonClientOptions>;

type Defaulted = { [K in keyof typeof DEFAULTS]-?: NonNullable<TrytonClientOptions[K]> };
export type Settings = Omit<TrytonClientOptions, keyof Defaulted> & Defaulted;

/** The options with the defaults for unset and undefined ones. */
export function settingsOf(options: TrytonClientOptions): Settings {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  // A fixture that fails, fails every time.
  const retries = options.testing === undefined ? DEFAULTS.retries : 0;
  return { ...options, ...DEFAULTS, retries, ...Object.fromEntries(given) };
}
