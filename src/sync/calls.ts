import type { OdooClient } from '../odoo/types.ts';

/** A client that counts the calls made through it, for the account of one job. */
export interface CountedClient extends OdooClient {
  readonly used: () => number;
}

/** Observes a call until it ends. */
export type During = <T>(call: Promise<T>) => Promise<T>;

/** Wraps the shared client. Retries inside a call are not counted here. */
export function countCalls(odoo: OdooClient, during: During = (call) => call): CountedClient {
  let used = 0;
  const counted = <T>(call: Promise<T>): Promise<T> => {
    used += 1;
    return during(call);
  };
  return {
    target: odoo.target,
    get calls() {
      return odoo.calls;
    },
    used: () => used,
    connect: () => during(odoo.connect()),
    clock: () => counted(odoo.clock()),
    fieldsGet: (model) => counted(odoo.fieldsGet(model)),
    search: (model, domain, options) => counted(odoo.search(model, domain, options)),
    searchCount: (model, domain) => counted(odoo.searchCount(model, domain)),
    searchRead: (model, domain, options) => counted(odoo.searchRead(model, domain, options)),
    read: (model, ids, options) => counted(odoo.read(model, ids, options)),
    close: () => odoo.close(),
  };
}
