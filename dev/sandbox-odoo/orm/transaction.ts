import type { Webhooks } from '../webhooks.ts';
import type { Store, Values } from './store.ts';
import { Writer } from './writer.ts';

/**
 * Work that is invisible before `commit()`. Its stamp is the time of its start, like `write_date` in Odoo. So a
 * transaction that commits late adds rows that are older than rows that were already read.
 */
export interface SandboxTransaction {
  /** The id is assigned at once. */
  create(model: string, values: Values): number;
  write(model: string, ids: readonly number[], values: Values): void;
  unlink(model: string, ids: readonly number[]): void;
  commit(): void;
}

/** `stamp` is a timestamp of `stamps.ts`. */
export function beginTransaction(
  store: Store,
  stamp: string,
  uid: number,
  webhooks: Webhooks,
): SandboxTransaction {
  const writer = new Writer(store, stamp, uid, (model, id) => webhooks.note(model, id));
  const work: (() => void)[] = [];
  return {
    create(model, values) {
      const id = store.table(model).takeId();
      work.push(() => writer.create(model, id, values));
      return id;
    },
    write: (model, ids, values) => void work.push(() => writer.write(model, ids, values)),
    unlink: (model, ids) => void work.push(() => writer.unlink(model, ids)),
    commit() {
      for (const step of work.splice(0)) step();
      webhooks.send();
    },
  };
}
