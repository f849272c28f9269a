import type { Calls } from './call-limiter.ts';
import { OdooAuthError, OdooEndpointError, OdooMalformedError } from './errors.ts';
import type { Transport } from './protocols/protocol.ts';
import type { OdooProtocol, OdooServer } from './types.ts';

type Transports = Readonly<Record<OdooProtocol, Transport>>;

export interface Connection {
  readonly transport: Transport;
  readonly server: OdooServer;
}

/** The first Odoo with JSON-2. */
const JSON2_SINCE = 19;

/** Signs in with the wanted protocol, or with the best one that server and secret allow. */
export function connect(
  transports: Transports,
  wanted: 'auto' | OdooProtocol,
  calls: Calls,
): Promise<Connection> {
  return wanted === 'auto'
    ? choose(transports, calls)
    : signIn(transports[wanted], calls, `ODOO_PROTOCOL asks for ${wanted}`);
}

/**
 * JSON-2 if it exists, is not blocked by a proxy and accepts the secret as a key. Otherwise JSON-RPC, otherwise
 * XML-RPC.
 */
async function choose(transports: Transports, calls: Calls): Promise<Connection> {
  const { json2, jsonrpc, xmlrpc } = transports;
  const version = await newVersion(json2, calls);
  let why = 'JSON-2 needs Odoo 19';
  let first: unknown;
  if (version !== undefined && majorOf(version) >= JSON2_SINCE) {
    const has = `Odoo ${version} has JSON-2`;
    try {
      return await signIn(json2, calls, `${has} and takes the secret as an API key`, version, true);
    } catch (error) {
      why = `${has}, but ${whyNotJson2(error)}`;
      first = error;
    }
  }
  try {
    return await signIn(jsonrpc, calls, why, version);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  try {
    return await signIn(xmlrpc, calls, `${why}, and the server has no JSON-RPC`, version);
  } catch (error) {
    throw isAbsent(error) ? (first ?? error) : error;
  }
}

/** @throws the error itself if the other protocols would fail too. */
function whyNotJson2(error: unknown): string {
  if (error instanceof OdooAuthError) return 'the secret is not an API key for it';
  // Proxies forward the older /web and /jsonrpc, and may answer other paths themselves.
  if (isAbsent(error) || error instanceof OdooMalformedError)
    return 'something in front of it keeps /json/2 back';
  throw error;
}

async function signIn(
  transport: Transport,
  calls: Calls,
  reason: string,
  known?: string,
  isProbe = false,
): Promise<Connection> {
  const { protocol } = transport;
  const version = known ?? (await calls.perform({ method: 'version' }, () => transport.version())).version;
  const uid = await calls.perform({ method: 'authenticate', isProbe }, () => transport.authenticate());
  return { transport, server: { protocol, version, uid, reason } };
}

/** The version from `/web/version`. Older servers do not have it: they answer 404 or a page of their website. */
async function newVersion(json2: Transport, calls: Calls): Promise<string | undefined> {
  try {
    return (await calls.perform({ method: 'version', isProbe: true }, () => json2.version())).version;
  } catch (error) {
    if (error instanceof OdooEndpointError || error instanceof OdooMalformedError) return undefined;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof OdooEndpointError && error.status === 404;
}

/** Returns 19 for `19.0`, `saas~19.2` and `19.0-20260101`. */
function majorOf(version: string): number {
  return Number(/\d+/.exec(version)?.[0] ?? 0);
}
