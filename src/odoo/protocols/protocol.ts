import { type CallSite, OdooAuthError } from '../errors.ts';
import { member, uidOf } from '../response-schemas.ts';
import type { Domain, OdooProtocol, OdooValue } from '../types.ts';

interface VersionAnswer {
  /** The text of the server: `19.0`. */
  readonly version: string;
  /** The HTTP `Date` header of that answer. */
  readonly date: string | undefined;
}

/**
 * One protocol. Each function makes exactly one HTTP exchange and throws the classes of `errors.ts`. The decoded values
 * are the same for all protocols.
 */
export interface Transport {
  readonly protocol: OdooProtocol;
  version(): Promise<VersionAnswer>;
  /** The uid of the configured user. @throws OdooAuthError */
  authenticate(): Promise<number>;
  call(uid: number, call: ReadCall): Promise<OdooValue>;
}

/** The settings of a protocol. The secret is a password or an API key. */
export interface Account {
  readonly target: string;
  readonly db: string;
  readonly user: string;
  readonly password: string;
}

/**
 * Every model method that this project can call: only reads. With JSON-2, `context_get` of `res.users` replaces
 * `authenticate`: it returns the uid of an API key.
 */
export const READ_METHODS = [
  'fields_get',
  'search',
  'search_count',
  'search_read',
  'read',
  'context_get',
] as const;
type ReadMethod = (typeof READ_METHODS)[number];

/** One read of one model, for any protocol. A call has a domain, or ids, or neither. */
export interface ReadCall {
  readonly model: string;
  readonly method: ReadMethod;
  readonly domain?: Domain;
  readonly ids?: readonly number[];
  readonly named: Readonly<Record<string, OdooValue>>;
  readonly context: Readonly<Record<string, OdooValue>>;
}

/** Refuses at run time what the types refuse at compile time. */
function assertRead(method: string): void {
  if (!READ_METHODS.some((known) => known === method))
    throw new TypeError(`${method} is not a read method: this client never changes Odoo`);
}

/**
 * Arguments of `execute_kw` after database, uid and secret. The domain is positional: its parameter is called `args` in
 * Odoo 14 and `domain` in 19.
 */
export function executeKwArguments(call: ReadCall): readonly OdooValue[] {
  assertRead(call.method);
  const positional = [call.domain, call.ids].filter((value) => value !== undefined);
  return [call.model, call.method, positional, { ...call.named, context: call.context }];
}

/** Path and body of a JSON-2 call, which has only named arguments (Odoo 19: `addons/rpc/controllers/json2.py`). */
export function json2Request(call: ReadCall): { readonly path: string; readonly body: string } {
  assertRead(call.method);
  const { domain, ids, named, context } = call;
  const path = `/json/2/${encodeURIComponent(call.model)}/${call.method}`;
  return { path, body: JSON.stringify({ ...named, domain, ids, context }) };
}

/** One exchange with a service of the older API of Odoo: `common` before the sign-in, `object` after it. */
type ServiceCall = (
  service: 'common' | 'object',
  method: 'version' | 'authenticate' | 'execute_kw',
  args: readonly OdooValue[],
  site: CallSite,
) => Promise<{ readonly value: OdooValue; readonly date: string | undefined }>;

/** XML-RPC and JSON-RPC use the same two services; only the wire format differs. */
export function servicesTransport(protocol: OdooProtocol, account: Account, send: ServiceCall): Transport {
  const { target, db, user, password } = account;
  return {
    protocol,
    async version() {
      const site = { target, call: 'version', user };
      const { value, date } = await send('common', 'version', [], site);
      return { version: String(member(site, value, 'server_version')), date };
    },
    async authenticate() {
      const site = { target, call: 'authenticate', user };
      const { value } = await send('common', 'authenticate', [db, user, password, {}], site);
      if (value === false) throw new OdooAuthError(site);
      return uidOf(site, value);
    },
    async call(uid, call) {
      const site = { target, call: `${call.model}.${call.method}`, user, model: call.model };
      const { value } = await send(
        'object',
        'execute_kw',
        [db, uid, password, ...executeKwArguments(call)],
        site,
      );
      return value;
    },
  };
}
