/** Like Odoo: it does not wait for a slower answer. */
const LIMIT_MS = 1000;

/** The body that an automation rule of Odoo 19 posts to a webhook. */
interface Hook {
  readonly _action: string;
  readonly _id: number;
  readonly _model: string;
}

/**
 * Posts like the automation rules of Odoo: one request for each record that a transaction wrote, created or deleted,
 * one after the other, after the commit. Odoo only logs the answers.
 */
export class Webhooks {
  readonly #targets = new Map<string, ReadonlySet<string>>();
  #written = new Map<string, Hook>();
  #sending: Promise<void> = Promise.resolve();
  /** The statuses of the answers so far; 0 without an answer. */
  readonly answers: number[] = [];

  /** Posts changes of these models to `url`. Returns a function that ends it. */
  add(url: string, models: readonly string[]): () => void {
    this.#targets.set(url, new Set(models));
    return () => void this.#targets.delete(url);
  }

  /** Adds a record of the transaction in progress. */
  note(model: string, id: number): void {
    this.#written.set(`${model},${id}`, { _action: 'Passerelle(#1)', _id: id, _model: model });
  }

  /** The transaction is committed. */
  send(): void {
    const hooks = [...this.#written.values()];
    this.#written = new Map();
    for (const [url, models] of this.#targets) {
      const announced = hooks.filter(({ _model }) => models.has(_model));
      this.#sending = this.#sending.then(async () => {
        for (const hook of announced) this.answers.push(await post(url, hook));
      });
    }
  }

  /** Resolves when every change so far was posted. */
  sent(): Promise<void> {
    return this.#sending;
  }
}

async function post(url: string, hook: Hook): Promise<number> {
  try {
    const headers = { 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(LIMIT_MS);
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(hook), signal });
    await answer.body?.cancel();
    return answer.status;
  } catch {
    return 0;
  }
}
