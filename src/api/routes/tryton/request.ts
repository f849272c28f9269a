import type { FastifyInstance } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { errorMessage } from '../../../shared/errors.ts';
import { isRead, methodName } from '../../../tryton/methods.ts';
import type { Wire } from '../../../tryton/types.ts';
import { brokenTag } from '../../../tryton/wire/codec.ts';
import { fromJson, isList, isObject } from '../../../tryton/wire/json.ts';
import { BadJsonError } from '../../errors.ts';

/** Maximum of invalid values reported for one call. */
const MAX_FOUND = 5;

interface Mistagged {
  readonly path: (string | number)[];
  readonly tag: string;
}

/** The first tagged values in `params` that Tryton cannot read, such as a date without a day. */
function mistagged(params: readonly unknown[]): Mistagged[] {
  const found: Mistagged[] = [];
  // The body parser allows at most 100 levels.
  search(params as readonly Wire[], [], found);
  return found;
}

function search(value: Wire, path: Mistagged['path'], found: Mistagged[]): void {
  if (found.length === MAX_FOUND) return;
  if (isList(value)) for (const [index, item] of value.entries()) search(item, [...path, index], found);
  if (!isObject(value)) return;
  const tag = brokenTag(value);
  if (tag !== undefined) found.push({ path, tag });
  else for (const [name, item] of Object.entries(value)) search(item, [...path, name.slice(0, 60)], found);
}

export const MAX_CALLS = 100;
/** For `"cache": true`, if the server sends no duration. */
const USUAL_TTL_SECONDS = 60;
const MAX_SECONDS = 86_400;

const shape = 'an object {"method", "params"?, "cache"?}';
const cacheShape = `true, false, whole seconds from 1 to ${MAX_SECONDS}, or {"ttl"?, "stale"?} in such seconds`;

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

const seconds = z.int({ error: cacheShape, abort: true }).min(1, cacheShape).max(MAX_SECONDS, cacheShape);

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
      'and no longer than it says. stale: seconds in which an expired answer may still be returned while a new one ' +
      'is fetched.',
  );

/** At most three names, so that the error is shorter than the body. */
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
          : `${shape}, or an array of 1 to ${MAX_CALLS} such objects`,
    },
  )
  .meta({ title: 'one call' });

/** A requested call; `params` are the output of `fromJson`. */
export type AskedCall = z.infer<typeof call>;

const batch = z
  .array(call)
  .min(1, 'at least one call')
  .max(MAX_CALLS)
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

/** Maximum of remembered calls, and of characters in each body: a megabyte of text in all. */
const MAX_KNOWN = 1000;
const MAX_KNOWN_LENGTH = 1000;

/**
 * Single reads by the text of their body. Portals repeat the same few calls, so a known text is neither parsed nor
 * validated again, which is a fifth of the work of a cached call (`npm run bench -- --only gateway`). Other calls are
 * not remembered: they may hold a secret, and they rarely repeat. Requests share a remembered call, which no code changes.
 */
export class KnownCalls {
  readonly #calls = new LRUCache<string, AskedCall>({ max: MAX_KNOWN });
  /** The same calls, for `has`. */
  readonly #known = new WeakSet<object>();
  /** The texts of bodies that were parsed and are not validated yet. */
  readonly #texts = new WeakMap<object, string>();

  /** The remembered call of this text, or the parsed text. @throws what `parse` throws. */
  read(text: string, parse: (text: string) => unknown): unknown {
    const known = this.#calls.get(text);
    if (known !== undefined) return known;
    const data = parse(text);
    if (text.length <= MAX_KNOWN_LENGTH && typeof data === 'object' && data !== null)
      this.#texts.set(data, text);
    return data;
  }

  has(data: unknown): boolean {
    return typeof data === 'object' && data !== null && this.#known.has(data);
  }

  /** Remembers the valid call that `data` describes. */
  keep(data: object, asked: AskedCall): void {
    const text = this.#texts.get(data);
    if (text === undefined || !isRead(asked.method)) return;
    this.#calls.set(text, asked);
    this.#known.add(asked);
  }
}

/** Validates a call or a batch by its own schema: the error of a union of both would not name the wrong field. */
export const validateBody =
  (known: KnownCalls): typeof validatorCompiler =>
  (route) => {
    const one = validatorCompiler({ ...route, schema: call });
    const many = validatorCompiler({ ...route, schema: batch });
    return (data) => {
      if (known.has(data)) return { value: data };
      if (Array.isArray(data)) return many(data);
      const checked = one(data);
      if (typeof checked === 'object' && 'value' in checked) known.keep(data, checked.value);
      return checked;
    };
  };

/** How a call is cached; null: not at all. */
export function cacheOptions(asked: AskedCall['cache']) {
  if (asked === false) return null;
  if (asked === undefined) return {};
  if (asked === true) return { ttl: USUAL_TTL_SECONDS };
  return typeof asked === 'number' ? { ttl: asked } : asked;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * In this scope bodies must be JSON, and parsing keeps every digit. An empty body counts as no body.
 *
 * @throws BadJsonError if the body is not UTF-8, not JSON, or nested deeper than 100 levels.
 */
export function readExactJson(scope: FastifyInstance, known: KnownCalls): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) =>
    body.length === 0 ? undefined : known.read(textOf(body), parse),
  );
}

function textOf(body: Buffer): string {
  try {
    return UTF8.decode(body);
  } catch {
    throw new BadJsonError('not UTF-8');
  }
}

function parse(text: string): Wire {
  try {
    return fromJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new BadJsonError(`${error.message}${placeOf(text)}`);
  }
}

/** The position of the syntax error, if the engine reports it. The text is not quoted. */
function placeOf(text: string): string {
  try {
    JSON.parse(text);
    return '';
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const [, position] = / at position (\d+)/.exec(message) ?? [];
    if (position !== undefined) return ` (wrong from character ${Number(position) + 1} on)`;
    return /end of JSON input/.test(message) ? ' (it ends too early)' : '';
  }
}
