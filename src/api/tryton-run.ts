import type { TrytonClient } from '../tryton/client.ts';
import { isRead, methodName } from '../tryton/methods.ts';
import type { ReadyCall, Wire } from '../tryton/types.ts';
import { toJson } from '../tryton/wire.ts';
import type { ApiKey } from './access.ts';
import { BatchTimeoutError } from './errors.ts';
import { assertMethodAllowed } from './method-access.ts';
import type { AskedCall } from './tryton-call.ts';
import { cacheOptions } from './tryton-call.ts';

/** Reads of one batch that are under way at once. */
const MOST_AT_ONCE = 8;

/** What a caller's calls run with. */
export interface Caller {
  readonly tryton: TrytonClient;
  readonly key: Pick<ApiKey, 'methods'>;
  /** Aborted when the caller has gone: then reads are given up, and writes go on. */
  readonly signal: () => AbortSignal;
  /** Milliseconds in which the calls of a batch must begin: 100 calls to a Tryton that hangs would add up. */
  readonly beginWithinMs: number;
  /** Calls that came before, as the client made them ready. */
  readonly ready: WeakMap<AskedCall, ReadyCall>;
}

/** The result as JSON. @throws MethodNotAllowedError, and what the client throws. */
export async function runCall({ tryton, key, signal, ready }: Caller, asked: AskedCall): Promise<string> {
  const method = methodName(asked.method);
  assertMethodAllowed(key, method);
  // What the body's parser gave, and the schema left as it was.
  const params = asked.params as Wire[];
  if (!isRead(method)) return toJson(await tryton.callWire(method, params));
  const options = cacheOptions(asked.cache);
  if (options === null) return toJson(await tryton.callWire(method, params, { signal: signal() }));
  const known = ready.get(asked);
  const call = known ?? tryton.ready(method, params);
  if (known === undefined) ready.set(asked, call);
  return tryton.cachedCallJson(call, options, signal);
}

/** A result is JSON. */
export type Settled = PromiseSettledResult<string>;

/**
 * Runs the calls of a batch and gives their outcomes in order. Reads run at once, up to 8 of them. A write begins when
 * all that was asked for before it has ended, and what comes after it waits for it: a batch reads what it has written,
 * and its writes keep their order. A call that fails stops none of the others. What has not begun in time is not sent:
 * its outcome is a BatchTimeoutError.
 */
export async function runBatch(caller: Caller, calls: readonly AskedCall[]): Promise<Settled[]> {
  const { beginWithinMs } = caller;
  const end = performance.now() + beginWithinMs;
  const begin = async (asked: AskedCall) => {
    if (performance.now() >= end) throw new BatchTimeoutError(beginWithinMs);
    return runCall(caller, asked);
  };
  const outcomes: Settled[] = [];
  for (const group of groupsOf(calls)) outcomes.push(...(await settleAll(group, begin)));
  return outcomes;
}

/** Neighbouring reads together, each write alone. */
function groupsOf(calls: readonly AskedCall[]): AskedCall[][] {
  const groups: AskedCall[][] = [];
  let reads: AskedCall[] | null = null;
  for (const call of calls) {
    if (reads !== null && isRead(call.method)) reads.push(call);
    else {
      const group = [call];
      groups.push(group);
      reads = isRead(call.method) ? group : null;
    }
  }
  return groups;
}

async function settleAll<T, R>(items: readonly T[], work: (item: T) => Promise<R>) {
  const outcomes: PromiseSettledResult<R>[] = [];
  const todo = items.entries();
  const worker = async () => {
    for (const [index, item] of todo) {
      const [outcome] = await Promise.allSettled([work(item)]);
      outcomes[index] = outcome;
    }
  };
  await Promise.all(Array.from({ length: Math.min(MOST_AT_ONCE, items.length) }, worker));
  return outcomes;
}
