import type { CallLimits } from './calls.ts';
import { createCalls } from './calls.ts';
import type { Connection } from './connect.ts';
import { connect } from './connect.ts';
import type { CallSite } from './errors.ts';
import { OdooAuthError } from './errors.ts';
import { createHttp } from './http.ts';
import { createLoginPause } from './login-pause.ts';
import type { ReadCall } from './methods.ts';
import { createJson2 } from './transports/json2.ts';
import { createJsonRpc } from './transports/jsonrpc.ts';
import type { VersionAnswer } from './transports/transport.ts';
import { createXmlRpc } from './transports/xmlrpc.ts';
import type { OdooProtocol, OdooServer, OdooValue } from './types.ts';

export interface OdooClientOptions extends CallLimits {
  /** Root of the server; a path prefix and a trailing slash are fine. */
  readonly url: string;
  readonly db: string;
  readonly user: string;
  /** Password or API key. */
  readonly password: string;
  readonly protocol: 'auto' | OdooProtocol;
  /** For one call in whole, in milliseconds. Waiting for a free place does not count. */
  readonly timeoutMs: number;
  /** Merged into the context of every call; `active_test` is always false. */
  readonly context: Readonly<Record<string, OdooValue>>;
  /** Told each time it has signed in. It must not throw. */
  readonly onConnect?: ((server: OdooServer) => void) | undefined;
  /** Milliseconds since 1970; `Date.now` when left out. */
  readonly clock?: (() => number) | undefined;
}

/** A signed-in line to one server, whatever the protocol. */
export interface Session {
  readonly target: string;
  readonly calls: { readonly count: number };
  connection(): Promise<Connection>;
  version(): Promise<VersionAnswer>;
  ask<T>(call: Asked, shape: (site: CallSite, value: OdooValue) => T): Promise<T>;
  close(): Promise<void>;
}

/** A call before the context is added. */
export interface Asked extends Omit<ReadCall, 'context'> {
  readonly binSize?: boolean | undefined;
}

/** Signs in on the first call that needs it, once for all that start together. */
export function createSession(options: OdooClientOptions): Session {
  const { db, user, password } = options;
  const target = `${withoutSecrets(options.url)} (database ${db})`;
  const http = createHttp(options.url, options.timeoutMs, options.concurrency);
  const account = { target, db, user, password };
  const transports = {
    json2: createJson2(http, account),
    jsonrpc: createJsonRpc(http, account),
    xmlrpc: createXmlRpc(http, account),
  };
  const calls = createCalls(options);
  const pause = createLoginPause(options.clock ?? Date.now);
  let connecting: Promise<Connection> | undefined;

  const connection = () => {
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
    calls,
    connection,
    async version() {
      const { transport } = await connection();
      return calls.perform({ method: 'version' }, () => transport.version());
    },
    async ask({ binSize, ...call }, shape) {
      const signedIn = connection();
      const { transport, server } = await signedIn;
      const context = { ...options.context, active_test: false, ...(binSize && { bin_size: true }) };
      try {
        const value = await calls.perform(call, () => transport.call(server.uid, { ...call, context }));
        return shape({ target, call: `${call.model}.${call.method}`, user, model: call.model }, value);
      } catch (error) {
        // The secret was changed or revoked meanwhile: the next call signs in anew instead of repeating it, once for
        // all that are refused together.
        if (error instanceof OdooAuthError && connecting === signedIn) connecting = undefined;
        throw error;
      }
    },
    close: () => http.close(),
  };
}

/** The address for messages: no user, no password, no query. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
