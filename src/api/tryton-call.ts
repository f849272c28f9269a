import { validatorCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { errorMessage } from '../errors.ts';
import { methodName } from '../tryton/methods.ts';
import type { Wire } from '../tryton/types.ts';
import type { KnownCalls } from './known-calls.ts';
import { mistagged } from './tryton-tags.ts';

/** Calls of one batch. */
export const MOST_CALLS = 100;
/** `"cache": true` where the server says nothing. */
const USUAL_TTL_SECONDS = 60;
const LONGEST_SECONDS = 86_400;

const shape = 'an object {"method", "params"?, "cache"?}';
const cacheShape = `true, false, whole seconds from 1 to ${LONGEST_SECONDS}, or {"ttl"?, "stale"?} in such seconds`;

const method = z
  .string({ error: 'a text such as "model.party.party.search"' })
  .superRefine((name, issue) => {
    try {
      methodName(name);
    } catch (error) {
      issue.addIssue({ code: 'custom', message: errorMessage(error) });
    }
  })
  .describe('full name: model|wizard|report.<name>.<method> or common.…');

const seconds = z.int({ error: cacheShape, abort: true }).min(1, cacheShape).max(LONGEST_SECONDS, cacheShape);

const cache = z
  .union(
    [
      z.boolean(),
      seconds,
      z.strictObject({ ttl: seconds.optional(), stale: seconds.optional() }, { error: cacheShape }),
    ],
    { error: cacheShape },
  )
  .describe(
    'Left out: only what Tryton itself declares cacheable is cached. false: not cached. ' +
      `true: ${USUAL_TTL_SECONDS} s where Tryton says nothing. A number: that many seconds where it says nothing, ` +
      'and no longer than it says. stale: seconds in which an old answer may still be given while it is fetched anew.',
  );

/** A few of them: an error is not to be as long as the body that it is about. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => JSON.stringify(name.slice(0, 60)));
  return shown.join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : '');
}

const call = z
  .strictObject(
    {
      method,
      params: z
        .array(z.unknown(), { error: 'an array: the positional parameters, context last' })
        .superRefine((given, issue) => {
          for (const { path, tag } of mistagged(given))
            issue.addIssue({ code: 'custom', path, message: `this is no valid ${tag}` });
        })
        .default([])
        .describe('positional; the context, an object, comes last and may be left out'),
      cache: cache.optional(),
    },
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys'
          ? `unknown: ${listed(issue.keys)}; expected ${shape}`
          : `${shape}, or an array of 1 to ${MOST_CALLS} such objects`,
    },
  )
  .meta({ title: 'one call' });

/** A call as it was asked for; `params` hold what `fromJson` gave. */
export type AskedCall = z.infer<typeof call>;

const batch = z
  .array(call)
  .min(1, 'at least one call')
  .max(MOST_CALLS)
  .meta({ title: 'a batch of calls, answered in order' });

export const callBody = z.xor([call, batch]).meta({
  examples: [
    { method: 'model.party.party.search_read', params: [[], 0, 10, null, ['name', 'code']], cache: true },
    [
      { method: 'model.party.party.read', params: [[1], ['name'], { language: 'fr' }] },
      { method: 'model.party.party.fields_get', params: [] },
    ],
  ],
});

const MEMBERS: ReadonlySet<string> = new Set(['method', 'params', 'cache']);

type Compiler = typeof validatorCompiler;

/** Names the field that is wrong, which the choice between the two would not. */
export const checkBody =
  (known: KnownCalls): Compiler =>
  (route) => {
    const one = validatorCompiler({ ...route, schema: call });
    const many = validatorCompiler({ ...route, schema: batch });
    return (data: unknown) => {
      if (known.has(data)) return { value: data };
      if (isUsual(data)) return { value: known.keep(data, { ...data, params: [...(data.params ?? [])] }) };
      return Array.isArray(data) ? many(data) : one(data);
    };
  };

interface UsualCall {
  readonly method: string;
  readonly params?: readonly Wire[];
  readonly cache?: boolean | number;
}

/** Whether the schema would let one call through: most are such, and the schema takes ten times as long to see it. */
function isUsual(data: unknown): data is UsualCall {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return false;
  for (const name of Object.keys(data)) if (!MEMBERS.has(name)) return false;
  const { method, params, cache } = data as { readonly [name: string]: unknown };
  if (typeof method !== 'string' || !isMethodName(method)) return false;
  if (params !== undefined && !(Array.isArray(params) && mistagged(params).length === 0)) return false;
  return cache === undefined || typeof cache === 'boolean' || isSeconds(cache);
}

const isSeconds = (value: unknown): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LONGEST_SECONDS;

function isMethodName(name: string): boolean {
  try {
    return methodName(name) === name;
  } catch {
    return false;
  }
}

/** How a call is cached; null: not at all. */
export function cacheOptions(asked: AskedCall['cache']) {
  if (asked === false) return null;
  if (asked === undefined) return {};
  if (asked === true) return { ttl: USUAL_TTL_SECONDS };
  return typeof asked === 'number' ? { ttl: asked } : asked;
}
