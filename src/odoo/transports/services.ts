import type { CallSite } from '../errors.ts';
import { OdooAuthError } from '../errors.ts';
import { executeKwArguments } from '../methods.ts';
import { member, uidOf } from '../shapes.ts';
import type { OdooProtocol, OdooValue } from '../types.ts';
import type { Account, Transport } from './transport.ts';

/** One exchange with a service of Odoo's older API: `common` before, `object` after signing in. */
export type ServiceCall = (
  service: 'common' | 'object',
  method: 'version' | 'authenticate' | 'execute_kw',
  args: readonly OdooValue[],
  site: CallSite,
) => Promise<{ readonly value: OdooValue; readonly date: string | undefined }>;

/** XML-RPC and JSON-RPC reach the same two services; only the wire format differs. */
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
