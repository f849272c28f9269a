/**
 * How a call goes wrong. `hang`: no answer, ever; `drop`: the connection breaks before the answer; `half`: within it
 * (the call was carried out); `lost`: the call is carried out and the connection breaks before the answer; `malformed`:
 * half an answer with status 200; `html`: a web page with status 200; `slow`: the body arrives in two parts, `slowMs`
 * between them; the numbers: the status of a server or a proxy. `expired`: 401.
 */
export type Fault =
  | 'bad_gateway'
  | 'drop'
  | 'expired'
  | 'gateway_timeout'
  | 'half'
  | 'hang'
  | 'html'
  | 'lost'
  | 'malformed'
  | 'slow'
  | 'too_many'
  | 'unavailable';

/** A received call. `status`: the status of the answer; 0 before it, and without one. */
export interface SandboxCall {
  readonly method: string;
  status: number;
  readonly at: Date;
}

/** The faults of the server, set by tests and by the demo. */
export class Faults {
  /** Seconds that `too_many` asks to wait for. */
  retryAfter = 1;
  slowMs = 200;
  #next: { fault: Fault; left: number }[] = [];
  #rules: { method: RegExp; fault: Fault; left: number }[] = [];

  /** The next `n` calls, of any method. */
  next(n: number, fault: Fault): void {
    this.#next.push({ fault, left: n });
  }

  /** Each call with a matching method, always or `times` times. */
  when(method: RegExp, fault: Fault, times = Number.POSITIVE_INFINITY): void {
    this.#rules.push({ method, fault, left: times });
  }

  clear(): void {
    this.#next = [];
    this.#rules = [];
  }

  /** The fault of this call; it counts as used. */
  take(method: string): Fault | undefined {
    const due =
      this.#next.find(({ left }) => left > 0) ??
      this.#rules.find((rule) => rule.left > 0 && rule.method.test(method));
    if (due) due.left -= 1;
    return due?.fault;
  }
}
