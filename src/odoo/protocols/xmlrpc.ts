import { serializeMethodCall } from 'xmlrpc/lib/serializer.js';
import { decodeXmlRpc } from '../decoding/xmlrpc-decoder.ts';
import { OdooMalformedError } from '../errors.ts';
import { type Fault, faultError } from '../faults.ts';
import { type Http, type HttpAnswer, notTheProtocol } from '../http.ts';
import type { OdooValue } from '../types.ts';
import { type Account, servicesTransport, type Transport } from './protocol.ts';

/** Fault codes of `/xmlrpc/2`, the same in Odoo 14.0 and 19.0; 1 is any other exception, 2 a user error. */
const KINDS = new Map<OdooValue | undefined, Fault['kind']>([
  [3, 'denied'],
  [4, 'forbidden'],
]);

/** XML-RPC by `/xmlrpc/2/common` and `/xmlrpc/2/object`: Odoo 8 to 21; announced to go in 22. */
export function createXmlRpc(http: Http, account: Account): Transport {
  return servicesTransport('xmlrpc', account, async (service, method, params, site) => {
    const request = {
      site,
      method: 'POST',
      path: `/xmlrpc/2/${service}`,
      headers: { 'content-type': 'text/xml' },
      body: serializeMethodCall(method, params),
    } as const;
    const answer = await http.send(request);
    if (answer.status !== 200 || !isXmlRpc(answer))
      throw notTheProtocol(request, answer, 'which is not XML-RPC');
    const response = decodeXmlRpc(answer.bytes, (reason) => new OdooMalformedError(site, `${reason}.`));
    if ('fault' in response) throw faultError(site, xmlFault(response.fault));
    return { value: response.value, date: answer.date };
  });
}

const OPENING = /^\s*<(\?xml|methodResponse)/;

/** Decoding the whole body is slow, and the first bytes are nearly always enough. */
function isXmlRpc(answer: HttpAnswer): boolean {
  return OPENING.test(answer.bytes.toString('latin1', 0, 64)) || OPENING.test(answer.body);
}

function xmlFault(value: OdooValue): Fault {
  const members = new Map<string, OdooValue>(Object.entries(Object(value)));
  return {
    kind: KINDS.get(members.get('faultCode')) ?? 'other',
    message: String(members.get('faultString') ?? ''),
  };
}
