import { accessError, type PythonError } from '../errors.ts';
import type { Store } from './store.ts';

/**
 * Records that the user may not read. `search` lists a denied record, so that a page contains it, and leaves out a
 * hidden one.
 */
export class Access {
  readonly #models = new Set<string>();
  readonly #hidden = new Map<string, Set<number>>();
  readonly #records = new Map<string, Set<number>>();

  denyModel(model: string): void {
    this.#models.add(model);
  }

  denyRecord(model: string, id: number): void {
    const ids = this.#records.get(model) ?? new Set();
    this.#records.set(model, ids.add(id));
  }

  /** Records that a rule hides: no search lists them, and reading them is refused. */
  hideRecords(model: string, ids: readonly number[]): void {
    this.#hidden.set(model, new Set([...(this.#hidden.get(model) ?? []), ...ids]));
  }

  /** Ends both. */
  allowRecords(model: string, ids: readonly number[]): void {
    for (const id of ids) {
      this.#records.get(model)?.delete(id);
      this.#hidden.get(model)?.delete(id);
    }
  }

  isHidden(model: string, id: number): boolean {
    return this.#hidden.get(model)?.has(id) ?? false;
  }

  clear(): void {
    this.#hidden.clear();
    this.#models.clear();
    this.#records.clear();
  }

  /** @throws PythonError an AccessError if the whole model is closed. */
  checkModel(store: Store, model: string): void {
    if (this.#models.has(model)) throw modelRefused(store, model);
  }

  /** @throws PythonError an AccessError if one of the records is closed: the whole call fails. */
  checkRecords(store: Store, model: string, ids: readonly number[], user: string): void {
    const denied = this.#records.get(model);
    if (ids.some((id) => denied?.has(id) || this.isHidden(model, id)))
      throw recordRefused(store, model, user);
  }
}

/** The message of `ir.model.access` in 14.0 and 19.0. */
function modelRefused(store: Store, model: string): PythonError {
  return accessError(
    `You are not allowed to access '${store.table(model).definition.description}' (${model}) records.\n\n` +
      'No group currently allows this operation.\n\nContact your administrator to request access if necessary.',
  );
}

/** The message of `ir.rule` in 14.0 and 19.0, for a user without debug mode. */
function recordRefused(store: Store, model: string, user: string): PythonError {
  const { description } = store.table(model).definition;
  if (store.version === '14.0') {
    return accessError(
      `Due to security restrictions, you are not allowed to access '${description}' (${model}) records.\n\n` +
        'Contact your administrator to request access if necessary.',
    );
  }
  return accessError(
    'Uh-oh! Looks like you have stumbled upon some top-secret records.\n\n' +
      `Sorry, ${user} doesn't have 'read' access to:\n- ${description} (${model})\n\n` +
      'If you really, really need access, perhaps you can win over your friendly administrator with a batch of ' +
      'freshly baked cookies.',
  );
}
