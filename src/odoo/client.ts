/**
 * The Odoo client. It only reads: `protocols/protocol.ts` lists every method that it can call.
 *
 * - `protocol-negotiation.ts` selects JSON-2, JSON-RPC or XML-RPC, once for each sign-in.
 * - `call-limiter.ts` limits concurrency and rate, retries calls without an answer, and reports each attempt.
 * - `decoding/` turns bodies into the same records for all protocols; a value that cannot be stored becomes `Unstorable`.
 * - `faults.ts` maps the faults of Odoo to the classes of `errors.ts`.
 *
 * Invariants: a login is never retried, and pauses after a refusal; a call takes at most ODOO_TIMEOUT_MS; errors contain
 * no secret.
 *
 * ```ts
 * const odoo = createOdooClient({ url, db, user, password, protocol: 'auto', timeoutMs: 30_000, context: {}, concurrency: 4 });
 * const ids = await odoo.search('dimagaz.bc', [['state', '=', 'done']]);
 * ```
 */

import { CallLimiter, type Calls, createCalls, type OdooCall } from './call-limiter.ts';
import { type CallSite, OdooAuthError, OdooMalformedError } from './errors.ts';
import { createHttp } from './http.ts';
import { type Connection, connect } from './protocol-negotiation.ts';
import { createJson2 } from './protocols/json2.ts';
import { createJsonRpc } from './protocols/jsonrpc.ts';
import type { ReadCall } from './protocols/protocol.ts';
import { createXmlRpc } from './protocols/xmlrpc.ts';
import { countOf, fieldsOf, idsOf, readOf, recordsOf } from './response-schemas.ts';
import type { OdooClient, OdooProtocol, OdooServer, OdooValue } from './types.ts';

/** Odoo itself locks out a login for this time. */
const FIRST_MS = 60_000;
const MAX_MS = 15 * 60_000;

/** Runs sign-ins one after another. It refuses those that come too soon after a refused one. */
type LoginPause = <T>(signIn: () => Promise<T>) => Promise<T>;

/**
 * Pauses logins after a refusal. Odoo counts refusals by address and then refuses everybody at that address, so
 * repeated logins would lock out other programs and people. The pause doubles with each refusal in a row. It is kept in
 * this process only.
 *
 * @param clock milliseconds since 1970.
 */
function createLoginPause(clock: () => number): LoginPause {
  let refusals = 0;
  let until = 0;
  let refusal: OdooAuthError | null = null;
  return async (signIn) => {
    if (refusal !== null && clock() < until) throw refusal.notBefore(new Date(until));
    try {
      const signedIn = await signIn();
      refusals = 0;
      refusal = null;
      return signedIn;
    } catch (error) {
      if (!(error instanceof OdooAuthError)) throw error;
      until = clock() + Math.min(MAX_MS, FIRST_MS * 2 ** refusals++);
      refusal = error;
      throw error.notBefore(new Date(until));
    }
  };
}

export interface OdooServerOptions {
  /** Root of the server; a path prefix and a trailing slash are allowed. */
  readonly url: string;
  readonly db: string;
  readonly user: string;
  /** Password or API key. */
  readonly password: string;
  readonly protocol: 'auto' | OdooProtocol;
  /** Limit of one whole call, in milliseconds. The wait for a free place does not count. */
  readonly timeoutMs: number;
  /** A longer answer is an error. @default 268435456 */
  readonly maxAnswerBytes?: number | undefined;
  /** Maximum of concurrent calls, of all clients together. */
  readonly concurrency: number;
  /** Maximum of calls that begin in a second, of all clients together. */
  readonly callsPerSecond?: number | undefined;
  /** Called for each attempt of a call. It must not throw. */
  readonly onCall?: ((call: OdooCall) => void) | undefined;
  /** Called after each sign-in. It must not throw. */
  readonly onConnect?: ((server: OdooServer) => void) | undefined;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly clock?: (() => number) | undefined;
}

export interface OdooClientOptions extends OdooServerOptions, ContextOption {}

interface ContextOption {
  /** Merged into the context of every call; `active_test` is always false. */
  readonly context: Readonly<Record<string, OdooValue>>;
}

interface AccountClientOptions extends ContextOption {
  /** Called for each attempt of a call of this client, after the callback of the account. It must not throw. */
  readonly onCall?: ((call: OdooCall) => void) | undefined;
}

/** An account at a server. Its clients share the session and the limits. */
export interface OdooAccount {
  /** Each client has its turn, so that one whose calls hang does not stop the others. */
  client(options: AccountClientOptions): OdooClient;
  close(): Promise<void>;
}

/** A signed-in connection to one server, for any protocol. */
interface Session {
  readonly target: string;
  connection(calls: Calls): Promise<Connection>;
  /** Forgets a connection whose secret was refused. */
  forget(connection: Promise<Connection>): void;
  close(): Promise<void>;
}

/** A call before the context is added. */
interface Asked extends Omit<ReadCall, 'context'> {
  readonly binSize?: boolean | undefined;
}

/** PostgreSQL stores no longer text in jsonb, so an answer with a larger value is of no use. */
const MAX_ANSWER_BYTES = 256 * 2 ** 20;

/** Signs in on the first call that needs it. Calls that start together share one sign-in. */
function createSession(options: OdooServerOptions): Session {
  const { db, user, password, timeoutMs, maxAnswerBytes = MAX_ANSWER_BYTES } = options;
  const target = `${withoutSecrets(options.url)} (database ${db})`;
  const http = createHttp(options.url, { timeoutMs, connections: options.concurrency, maxAnswerBytes });
  const account = { target, db, user, password };
  const transports = {
    json2: createJson2(http, account),
    jsonrpc: createJsonRpc(http, account),
    xmlrpc: createXmlRpc(http, account),
  };
  const pause = createLoginPause(options.clock ?? Date.now);
  let connecting: Promise<Connection> | undefined;

  const connection = (calls: Calls) => {
    connecting ??= pause(() => connect(transports, options.protocol, calls)).then(
      (connected) => {
        options.onConnect?.(connected.server);
        return connected;
      },
      (error) => {
        connecting = undefined;
        throw error;
      },
    );
    return connecting;
  };
  return {
    target,
    connection,
    forget: (connection) => {
      if (connecting === connection) connecting = undefined;
    },
    close: () => http.close(),
  };
}

/** The address for messages, without user, password and query. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** The attributes that `fields_get` is asked for. The server leaves out attributes that a field does not have. */
const ATTRIBUTES = [
  'type',
  'string',
  'store',
  'relation',
  'relation_field',
  'selection',
  'digits',
  'company_dependent',
  'translate',
];

/** One client with an account of its own. It sends nothing before the first call, and `close` closes the account. */
export function createOdooClient({ context, ...options }: OdooClientOptions): OdooClient {
  return openOdooAccount(options).client({ context });
}

/** Opens an account for clients that can only read Odoo. It sends nothing before the first call. */
export function openOdooAccount(options: OdooServerOptions): OdooAccount {
  const session = createSession(options);
  const limiter = new CallLimiter(options.concurrency, options.callsPerSecond);
  return {
    client: ({ context, onCall }) => {
      const calls = createCalls(limiter.lane(), (call) => {
        options.onCall?.(call);
        onCall?.(call);
      });
      return createClient(session, calls, options.user, context);
    },
    close: session.close,
  };
}

function createClient(
  session: Session,
  calls: Calls,
  user: string,
  ownContext: ContextOption['context'],
): OdooClient {
  const { target } = session;
  const ask = async <T>(
    { binSize, ...call }: Asked,
    shape: (site: CallSite, value: OdooValue) => T,
  ): Promise<T> => {
    const signedIn = session.connection(calls);
    const { transport, server } = await signedIn;
    const context = { ...ownContext, active_test: false, ...(binSize && { bin_size: true }) };
    try {
      const value = await calls.perform(call, () => transport.call(server.uid, { ...call, context }));
      return shape({ target, call: `${call.model}.${call.method}`, user, model: call.model }, value);
    } catch (error) {
      // The secret was changed or revoked. The next call signs in again, once for all calls that were refused together.
      if (error instanceof OdooAuthError) session.forget(signedIn);
      throw error;
    }
  };
  return {
    target,
    get calls() {
      return calls.count;
    },
    connect: async () => (await session.connection(calls)).server,
    async clock() {
      const { transport } = await session.connection(calls);
      const { date } = await calls.perform({ method: 'version' }, () => transport.version());
      const time = Date.parse(date ?? '');
      if (!Number.isNaN(time)) return new Date(time);
      throw new OdooMalformedError({ target, call: 'version', user }, NO_DATE);
    },
    fieldsGet: (model) => ask({ model, method: 'fields_get', named: { attributes: ATTRIBUTES } }, fieldsOf),
    search: (model, domain, named = {}) =>
      ask({ model, method: 'search', domain, named: { ...named } }, idsOf),
    searchCount: (model, domain) => ask({ model, method: 'search_count', domain, named: {} }, countOf),
    searchRead: (model, domain, { binSize, ...named }) =>
      ask({ model, method: 'search_read', domain, named, binSize }, recordsOf),
    read: async (model, ids, { binSize, fields }) =>
      ids.length === 0 ? [] : ask({ model, method: 'read', ids, named: { fields }, binSize }, readOf(ids)),
    close: session.close,
  };
}

const NO_DATE =
  'it has no Date header. The window of the mirror needs the server clock: let the proxy in front of Odoo pass or add Date.';
