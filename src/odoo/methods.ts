import type { Domain, OdooValue } from './types.ts';

/**
 * Every model method that this project can name: reads only. `context_get` (of `res.users`) is how JSON-2
 * tells the uid behind an API key; it stands for `authenticate` there.
 */
export const READ_METHODS = [
  'fields_get',
  'search',
  'search_count',
  'search_read',
  'read',
  'context_get',
] as const;
export type ReadMethod = (typeof READ_METHODS)[number];

/** One read of one model, whatever the protocol. A call has a domain, or ids, or neither. */
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
 * Arguments of `execute_kw` after database, uid and secret. The domain is positional: its parameter is called
 * `args` in Odoo 14 and `domain` in 19.
 */
export function executeKwArguments(call: ReadCall): readonly OdooValue[] {
  assertRead(call.method);
  const positional = [call.domain, call.ids].filter((value) => value !== undefined);
  return [call.model, call.method, positional, { ...call.named, context: call.context }];
}

/** Path and body of a JSON-2 call, which knows named arguments only (Odoo 19: `addons/rpc/controllers/json2.py`). */
export function json2Request(call: ReadCall): { readonly path: string; readonly body: string } {
  assertRead(call.method);
  const { domain, ids, named, context } = call;
  const path = `/json/2/${encodeURIComponent(call.model)}/${call.method}`;
  return { path, body: JSON.stringify({ ...named, domain, ids, context }) };
}
