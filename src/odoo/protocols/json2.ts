import { parseJson } from '../decoding/json-decoder.ts';
import {
  type CallSite,
  OdooAuthError,
  OdooDatabaseError,
  OdooMalformedError,
  OdooStorageError,
} from '../errors.ts';
import { faultError } from '../faults.ts';
import { type Http, type HttpAnswer, type HttpRequest, notTheProtocol } from '../http.ts';
import { member, uidOf } from '../response-schemas.ts';
import type { OdooValue } from '../types.ts';
import { jsonFault, jsonFaultSchema } from './jsonrpc.ts';
import { type Account, json2Request, type ReadCall, type Transport } from './protocol.ts';

/** The characters of an HTTP header, and so of an API key. */
const HEADER_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;

/** JSON-2 by `/json/2/<model>/<method>`: Odoo 19 and later, with an API key as bearer token (never a password). */
export function createJson2(http: Http, account: Account): Transport {
  const { target, db, user, password } = account;
  const headers = {
    'content-type': 'application/json',
    authorization: `bearer ${password}`,
    'x-odoo-database': db,
  };
  const siteOf = (call: ReadCall) => ({
    target,
    call: `${call.model}.${call.method}`,
    user,
    model: call.model,
  });

  const post = async (call: ReadCall): Promise<OdooValue> => {
    const request = { site: siteOf(call), method: 'POST', headers, ...json2Request(call) } as const;
    const answer = await http.send(request);
    const value = decode(request, answer);
    if (answer.status !== 200) throw reported(request, answer, value);
    return value;
  };

  return {
    protocol: 'json2',
    async version() {
      const site: CallSite = { target, call: 'version', user };
      const request = { site, method: 'GET', path: '/web/version' } as const;
      const answer = await http.send(request);
      if (answer.status !== 200) throw notTheProtocol(request, answer, 'which is not a version');
      return { version: String(member(site, decode(request, answer), 'version')), date: answer.date };
    },
    async authenticate() {
      const call = { model: 'res.users', method: 'context_get', named: {}, context: {} } as const;
      // A text with other characters can only be a password. In a header it would cause something like a network error.
      if (!HEADER_TEXT.test(password)) throw new OdooAuthError(siteOf(call));
      return uidOf(siteOf(call), member(siteOf(call), await post(call), 'uid'));
    },
    call: (_uid, call) => post(call),
  };
}

/** The body as a value. Odoo 19.0 reports an unknown database with a page that says that none is selected. */
function decode(request: HttpRequest, answer: HttpAnswer): OdooValue {
  if (answer.status === 404 && /no database is selected/i.test(answer.body))
    throw new OdooDatabaseError(request.site);
  if (!/json/i.test(answer.contentType)) throw notTheProtocol(request, answer, 'which is not JSON-2');
  return parseJson(answer.body, (reason) => new OdooMalformedError(request.site, `${reason}.`));
}

/** An error has its own HTTP status, and the exception of Odoo as body. An early draft sent only a string. */
function reported(request: HttpRequest, answer: HttpAnswer, value: OdooValue): Error {
  const data = jsonFaultSchema.safeParse(typeof value === 'string' ? { message: value } : value);
  if (!data.success) return notTheProtocol(request, answer, 'which is not JSON-2');
  const fault = jsonFault(data.data);
  if (answer.status === 401) return faultError(request.site, { ...fault, kind: 'denied' });
  // 19.0 refuses a wrong key with 401. Every other failure of the key check has this exception too, also a failure of
  // its database.
  if (fault.kind === 'denied') return new OdooStorageError(request.site, fault.message);
  return faultError(request.site, fault);
}
