import { OdooMalformedError } from './errors.ts';
import type { OdooClientOptions } from './session.ts';
import { createSession } from './session.ts';
import { countOf, fieldsOf, idsOf, readOf, recordsOf } from './shapes.ts';
import type { OdooClient } from './types.ts';

export type { OdooClientOptions } from './session.ts';

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
  const session = createSession(options);
  const { target } = session;
  return {
    target,
    get calls() {
      return session.calls.count;
    },
    connect: async () => (await session.connection()).server,
    async clock() {
      const { date } = await session.version();
      const time = Date.parse(date ?? '');
      if (!Number.isNaN(time)) return new Date(time);
      throw new OdooMalformedError({ target, call: 'version', user: options.user }, NO_DATE);
    },
    fieldsGet: (model) =>
      session.ask({ model, method: 'fields_get', named: { attributes: ATTRIBUTES } }, fieldsOf),
    search: (model, domain, named = {}) =>
      session.ask({ model, method: 'search', domain, named: { ...named } }, idsOf),
    searchCount: (model, domain) =>
      session.ask({ model, method: 'search_count', domain, named: {} }, countOf),
    searchRead: (model, domain, { binSize, ...named }) =>
      session.ask({ model, method: 'search_read', domain, named, binSize }, recordsOf),
    read: async (model, ids, { binSize, fields }) =>
      ids.length === 0
        ? []
        : session.ask({ model, method: 'read', ids, named: { fields }, binSize }, readOf(ids)),
    close: session.close,
  };
}

const NO_DATE =
  'it has no Date header. The window of the mirror needs the server clock: let the proxy in front of Odoo pass or add Date.';
