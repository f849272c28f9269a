import type { OdooClient } from '../../src/odoo/types.ts';
import { odooSource } from '../../src/sync/source/odoo-source.ts';
import type { Source } from '../../src/sync/source/source.ts';

/** A client of Odoo as the source of a mirror with every record and field. */
export const sourceOf = (odoo: OdooClient): Source =>
  odooSource({ odoo, unscoped: odoo, database: 'sandbox', context: {} });

/** A source that has only these methods. */
export function fakeSource(methods: Partial<Source>): Source {
  const never = () => Promise.reject(new Error('not expected'));
  return {
    ...{ target: 'nowhere', connect: never, identity: never, clock: never, describe: never, ids: never },
    ...{ newestIds: never, newestWrite: never, count: never, list: never, read: never, exists: never },
    ...methods,
  };
}
