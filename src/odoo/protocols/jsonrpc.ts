import { z } from 'zod';
import { parseJson } from '../decoding/json-decoder.ts';
import { OdooMalformedError } from '../errors.ts';
import { type Fault, faultError } from '../faults.ts';
import { type Http, notTheProtocol } from '../http.ts';
import type { OdooValue } from '../types.ts';
import { type Account, servicesTransport, type Transport } from './protocol.ts';

/** An exception as Odoo serializes it in both JSON protocols. `debug` contains the traceback and is never read. */
export const jsonFaultSchema = z.object({ name: z.string().optional(), message: z.string() });

export function jsonFault(data: z.infer<typeof jsonFaultSchema>): Fault {
  const name = data.name?.split('.').at(-1);
  const kind = name === 'AccessDenied' ? 'denied' : name === 'AccessError' ? 'forbidden' : 'other';
  return { kind, message: data.message, exception: data.name };
}

/** Errors come with HTTP 200 too. For a result of None, Odoo sends neither `result` nor `error`. */
const envelope = z.object({
  jsonrpc: z.literal('2.0'),
  result: z.custom<OdooValue>().optional(),
  error: z.object({ code: z.number(), message: z.string(), data: jsonFaultSchema.optional() }).optional(),
});

/** JSON-RPC by `/jsonrpc`: Odoo 8 to 21; announced to go in 22. */
export function createJsonRpc(http: Http, account: Account): Transport {
  return servicesTransport('jsonrpc', account, async (service, method, args, site) => {
    const request = {
      site,
      method: 'POST',
      path: '/jsonrpc',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', method: 'call', params: { service, method, args }, id: 1 }),
    } as const;
    const answer = await http.send(request);
    if (!/^\s*\{/.test(answer.body)) throw notTheProtocol(request, answer, 'which is not JSON-RPC');
    const body = parseJson(answer.body, (reason) => new OdooMalformedError(site, `${reason}.`));
    const parsed = envelope.safeParse(body);
    if (!parsed.success) throw notTheProtocol(request, answer, 'which is not JSON-RPC');
    const { error, result = null } = parsed.data;
    // An Odoo without this route says so in the JSON-RPC error, with HTTP 200.
    if (error?.code === 404) throw notTheProtocol(request, { ...answer, status: 404 }, error.message);
    if (error !== undefined) throw faultError(site, jsonFault(error.data ?? { message: error.message }));
    return { value: result, date: answer.date };
  });
}
