import type { CallLimits } from './calls.ts';
import { createCalls } from './calls.ts';
import type { Connection } from './connect.ts';
import { connect } from './connect.ts';
import { OdooAuthError, OdooMalformedError } from './errors.ts';
import { createHttp } from './http.ts';
import type { ReadCall } from './methods.ts';
import { countOf, fieldsOf, idsOf, recordsOf } from './shapes.ts';
import { createJson2 } from './transports/json2.ts';
import { createJsonRpc } from './transports/jsonrpc.ts';
import { createXmlRpc } from './transports/xmlrpc.ts';
import type { OdooClient, OdooProtocol, OdooValue } from './types.ts';

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
}

/** What is asked of `fields_get`; the servers leave out what a field does not have. */
const ATTRIBUTES = [
  'type',
  'string',
  'store',
  'relation',
  'relation_field',
  'selection',
  'digits',
  'company_dependent',
];

/** A client that reads Odoo, and can do nothing else. Nothing is sent before the first call. */
export function createOdooClient(options: OdooClientOptions): OdooClient {
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
  let connection: Promise<Connection> | undefined;

  const connected = () => {
    connection ??= connect(transports, options.protocol, calls).catch((error) => {
      connection = undefined;
      throw error;
    });
    return connection;
  };
  const siteOf = (call: Pick<ReadCall, 'model' | 'method'>) => ({
    target,
    call: `${call.model}.${call.method}`,
    user,
    model: call.model,
  });
  const ask = async (call: Omit<ReadCall, 'context'>, binSize = false): Promise<OdooValue> => {
    const { transport, server } = await connected();
    const context = { ...options.context, active_test: false, ...(binSize && { bin_size: true }) };
    try {
      return await calls.perform(call, () => transport.call(server.uid, { ...call, context }));
    } catch (error) {
      // The secret was changed or revoked meanwhile: the next call signs in anew instead of repeating it.
      if (error instanceof OdooAuthError) connection = undefined;
      throw error;
    }
  };

  return {
    target,
    get calls() {
      return calls.count;
    },
    connect: async () => (await connected()).server,
    async clock() {
      const { transport } = await connected();
      const { date } = await calls.perform({ method: 'version' }, () => transport.version());
      const time = Date.parse(date ?? '');
      if (Number.isNaN(time)) throw new OdooMalformedError({ target, call: 'version', user }, NO_DATE);
      return new Date(time);
    },
    async fieldsGet(model) {
      const call = { model, method: 'fields_get', named: { attributes: ATTRIBUTES } } as const;
      return fieldsOf(siteOf(call), await ask(call));
    },
    async search(model, domain, named = {}) {
      const call = { model, method: 'search', domain, named: { ...named } } as const;
      return idsOf(siteOf(call), await ask(call));
    },
    async searchCount(model, domain) {
      const call = { model, method: 'search_count', domain, named: {} } as const;
      return countOf(siteOf(call), await ask(call));
    },
    async searchRead(model, domain, { binSize, ...named }) {
      const call = { model, method: 'search_read', domain, named } as const;
      return recordsOf(siteOf(call), await ask(call, binSize));
    },
    async read(model, ids, { binSize, fields }) {
      if (ids.length === 0) return [];
      const call = { model, method: 'read', ids, named: { fields } } as const;
      return recordsOf(siteOf(call), await ask(call, binSize));
    },
    close: () => http.close(),
  };
}

const NO_DATE =
  'it has no Date header. The window of the mirror needs the server clock: let the proxy in front of Odoo pass or add Date.';

/** The address for messages: no user, no password, no query. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
