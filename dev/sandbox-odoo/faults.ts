import { Access } from './orm/access.ts';

/**
 * How a call goes wrong. `error500`, `bad_gateway` (502), `unavailable` (503), `too_many` (429): what a server or a
 * proxy answers; `drop`: the connection breaks before the answer, `drop_midway`: within it; `hang`: no answer, ever;
 * `malformed`: half an answer with status 200; `html`: a login page; `user_error`: an error of Odoo's own.
 */
export type Fault =
  | 'bad_gateway'
  | 'drop'
  | 'drop_midway'
  | 'error500'
  | 'hang'
  | 'html'
  | 'malformed'
  | 'too_many'
  | 'unavailable'
  | 'user_error';

/** A received call. `ids`: the read ones, or those in a condition with `=` or `in`. */
export interface SandboxCall {
  readonly protocol: 'xmlrpc' | 'jsonrpc' | 'json2';
  readonly method: string;
  /** Empty for `version`, `authenticate` and `login`. */
  readonly model: string;
  readonly at: Date;
  readonly ids?: readonly number[];
}

/** Every given property must match; of `ids`, one is enough. */
interface FaultMatch {
  readonly method?: string;
  readonly model?: string;
  readonly ids?: readonly number[];
}

/** The faults of the server, set by tests and by the demo. */
export class Faults {
  /** Delay of every answer. */
  latencyMs = 0;
  readonly access: Access = new Access();
  /** The number of calls with each fault since the start. */
  readonly taken: Map<Fault, number> = new Map();
  #next: { fault: Fault; left: number }[] = [];
  #rules: { match: FaultMatch; fault: Fault; left: number }[] = [];

  /** The next `n` calls, of any kind. */
  next(n: number, fault: Fault): void {
    this.#next.push({ fault, left: n });
  }

  /** Each matching call, always or `times` times. Returns a function that ends it. */
  when(match: FaultMatch, fault: Fault, times = Number.POSITIVE_INFINITY): () => void {
    const rule = { match, fault, left: times };
    this.#rules.push(rule);
    return () => {
      rule.left = 0;
    };
  }

  /** A record that `search` lists and `read` refuses, with the whole call. Returns a function that ends it. */
  denyRecord(model: string, id: number): () => void {
    this.access.denyRecord(model, id);
    return () => this.access.allowRecords(model, [id]);
  }

  /**
   * Lost rights: `search` leaves out these records silently, and `read` refuses them. Returns a function that ends it.
   */
  hideRecords(model: string, ids: readonly number[]): () => void {
    this.access.hideRecords(model, ids);
    return () => this.access.allowRecords(model, ids);
  }

  /** A model to which the user has no access at all. */
  denyModel(model: string): void {
    this.access.denyModel(model);
  }

  clear(): void {
    this.latencyMs = 0;
    this.access.clear();
    this.#next = [];
    this.#rules = [];
  }

  /** The fault of this call; it counts as used. */
  take(call: SandboxCall): Fault | undefined {
    const due = this.#next.find(({ left }) => left > 0) ?? this.#rules.find((rule) => fits(rule, call));
    if (due === undefined) return undefined;
    due.left -= 1;
    this.taken.set(due.fault, (this.taken.get(due.fault) ?? 0) + 1);
    return due.fault;
  }
}

function fits({ match, left }: { match: FaultMatch; left: number }, call: SandboxCall): boolean {
  if (left <= 0) return false;
  if (match.method !== undefined && match.method !== call.method) return false;
  if (match.model !== undefined && match.model !== call.model) return false;
  return match.ids === undefined || match.ids.some((id) => call.ids?.includes(id));
}
