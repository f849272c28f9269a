import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { LRUCache } from 'lru-cache';
import { findApiKey, hasUsableKey, type KeyText, readKeyText, touchApiKey } from '../../db/api-keys.ts';
import type { Database } from '../../db/client.ts';
import type { ApiKeyRow, Scope } from '../../db/schema/gateway.ts';
import { errorMessage } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import { BC_MIRROR } from '../../shared/mirror-names.ts';
import type { ApiContext, ApiKey } from '../context.ts';
import {
  answerWithin,
  BadKeyError,
  CREATE_KEY,
  ExpiredKeyError,
  MissingKeyError,
  MissingScopeError,
  RevokedKeyError,
} from '../errors.ts';
import { assertMirror, mirrorOfRoute } from './mirror-access.ts';
import { createLimit } from './rate-limit.ts';

/**
 * How long a process uses a cached key: a revoked key may work for this long, and a new key may be unknown for this
 * long.
 */
const TRUST_MS = 5000;
const USE_NOTED_EVERY_MS = 60_000;
const MAX_ENTRIES = 1000;

interface Entry {
  readonly row: ApiKeyRow | null;
  readonly readAt: number;
  usedAt: number;
}

type ApiKeyCache = ReturnType<typeof createApiKeyCache>;

/** A cache of the keys in PostgreSQL. */
export function createApiKeyCache(db: Database, log: Logger) {
  // Separate, so that guesses do not evict valid keys.
  const known = new LRUCache<string, Entry>({ max: MAX_ENTRIES });
  const unknown = new LRUCache<string, Entry>({ max: MAX_ENTRIES });
  const loading = new Map<string, Promise<Entry>>();
  let usable = { found: true, readAt: Number.NEGATIVE_INFINITY };

  const load = async (prefix: string): Promise<Entry> => {
    const readAt = performance.now();
    const row = await answerWithin(findApiKey(db, prefix), 'PostgreSQL');
    const entry = { row, readAt, usedAt: row?.lastUsedAt?.getTime() ?? 0 };
    known.delete(prefix);
    unknown.delete(prefix);
    (row === null ? unknown : known).set(prefix, entry);
    return entry;
  };
  const entryOf = async (prefix: string): Promise<Entry> => {
    const kept = known.get(prefix) ?? unknown.get(prefix);
    if (kept !== undefined && isFresh(kept)) return kept;
    const pending = loading.get(prefix) ?? load(prefix).finally(() => loading.delete(prefix));
    loading.set(prefix, pending);
    return pending;
  };
  const noteUse = (entry: Entry, { id, prefix }: ApiKeyRow) => {
    const now = Date.now();
    if (now - entry.usedAt < USE_NOTED_EVERY_MS) return;
    entry.usedAt = now;
    touchApiKey(db, id).catch((error: unknown) =>
      log.warn({ key: prefix, reason: errorMessage(error) }, 'the use of a key was not noted'),
    );
  };
  const hasUsable = async () => {
    if (!isFresh(usable)) {
      const readAt = performance.now();
      usable = { found: await answerWithin(hasUsableKey(db), 'PostgreSQL').catch(() => true), readAt };
    }
    return usable.found;
  };
  const goodRow = (key: KeyText): ApiKeyRow | null => {
    const row = known.get(key.prefix)?.row ?? null;
    return isKeyOf(row, key) && row !== null && !isOver(row) ? row : null;
  };
  return {
    /** The row of a key that is valid by a fresh entry; otherwise null, and `find` decides. */
    trusted: (key: KeyText): ApiKeyRow | null => {
      const entry = known.get(key.prefix);
      const row = entry !== undefined && isFresh(entry) ? goodRow(key) : null;
      if (entry !== undefined && row !== null) noteUse(entry, row);
      return row;
    },
    /** Whether the key was valid when it was last read, however long ago. Then it is not a guess. */
    knows: (key: KeyText): boolean => goodRow(key) !== null,
    /** @throws BadKeyError, ExpiredKeyError, RevokedKeyError, NoAnswerError, or the error of the database. */
    find: async (key: KeyText): Promise<ApiKeyRow> => {
      const entry = await entryOf(key.prefix);
      const { row } = entry;
      if (!isKeyOf(row, key) || row === null) throw new BadKeyError(await hasUsable());
      if (row.revokedAt !== null) throw new RevokedKeyError();
      if (row.expiresAt !== null && isOver(row)) throw new ExpiredKeyError(row.expiresAt);
      noteUse(entry, row);
      return row;
    },
    /** Whether any valid key exists; true if PostgreSQL does not answer. */
    hasUsable,
  };
}

const isFresh = ({ readAt }: { readonly readAt: number }): boolean => performance.now() - readAt < TRUST_MS;

const isOver = ({ revokedAt, expiresAt }: ApiKeyRow): boolean =>
  revokedAt !== null || (expiresAt !== null && expiresAt.getTime() <= Date.now());

const NO_HASH = '0'.repeat(64);

/** Takes the same time with and without a row. */
function isKeyOf(row: ApiKeyRow | null, { hash }: KeyText): boolean {
  return timingSafeEqual(Buffer.from(row?.hash ?? NO_HASH, 'hex'), Buffer.from(hash, 'hex'));
}

/**
 * Guards every route that is added after this call. Routes under /api need a key with the scope of `config: { scope }`,
 * and so do other routes that declare one. Unknown paths under /api need a valid key too. A key that is limited to some
 * mirrors reaches no other mirror: see `mirror-access.ts`.
 */
export async function guardApi(api: FastifyInstance, deps: ApiContext): Promise<void> {
  const ring = createApiKeyCache(deps.reserveDb, deps.log);
  api.decorateRequest('apiKey', null);
  const limit = createLimit(deps);
  api.addHook('onRoute', assertScoped);
  api.addHook('onRequest', async (request, reply) => {
    const { scope } = request.routeOptions.config;
    if (scope === undefined && !isUnderApi(request.url)) return;
    try {
      request.apiKey = await authenticate(ring, request, () => limit(request, reply));
    } catch (error) {
      reply.header('www-authenticate', 'Bearer realm="passerelle"');
      throw error;
    }
    await limit(request, reply);
    if (scope !== undefined) assertScope(request.apiKey, scope);
  });
  const served = [BC_MIRROR, ...deps.config.mirrors.map(({ name }) => name)];
  api.addHook('preHandler', async (request) => assertMirror(request, served));
  api.addHook('onListen', () => {
    void warnWithoutKeys(deps);
  });
}

/** A route without a scope would be open to everybody, and one without a mirror to the keys of every mirror. */
function assertScoped(route: RouteOptions): void {
  const { method, url, config } = route;
  if (isUnderApi(url) && config?.scope === undefined) {
    throw new Error(`${method} ${url} is under /api and declares no scope: add config: { scope }.`);
  }
  if (config?.scope !== undefined && mirrorOfRoute(route) === undefined) {
    throw new Error(
      `${method} ${url} does not declare the mirrors that it concerns: add config: { mirror }.`,
    );
  }
}

const isUnderApi = (url: string): boolean => /^\/api(?:[/?]|$)/.test(url);

function bearerOf({ headers }: FastifyRequest): string | null {
  return /^Bearer +(\S+)$/i.exec(headers.authorization?.trim() ?? '')?.[1] ?? null;
}

/**
 * The key of a request. Possible guesses are counted before PostgreSQL is queried; a key that was valid before is not a
 * guess.
 *
 * @throws MissingKeyError, or the errors of `countGuess` and `ApiKeyCache.find`.
 */
async function authenticate(
  ring: ApiKeyCache,
  request: FastifyRequest,
  countGuess: () => Promise<void>,
): Promise<ApiKey> {
  const text = bearerOf(request);
  const given = text === null ? null : readKeyText(text);
  const trusted = given === null ? null : ring.trusted(given);
  if (trusted !== null) return shownOf(trusted);
  if (given === null || !ring.knows(given)) await countGuess();
  if (text === null) throw new MissingKeyError(await ring.hasUsable());
  if (given === null) throw new BadKeyError(await ring.hasUsable());
  return shownOf(await ring.find(given));
}

/** Without the hash. */
const shownOf = ({ id, prefix, name, scopes, mirrors, methods, context }: ApiKeyRow): ApiKey => ({
  id,
  prefix,
  name,
  scopes,
  mirrors,
  methods,
  context,
});

/** @throws MissingScopeError */
function assertScope({ scopes }: ApiKey, needed: Scope): void {
  if (!scopes.includes(needed) && !scopes.includes('admin')) throw new MissingScopeError(needed, scopes);
}

/** Logs once, at the start, that no key exists. A missing database is logged elsewhere. */
async function warnWithoutKeys({ db, log }: ApiContext): Promise<void> {
  try {
    if (await hasUsableKey(db)) return;
    log.warn({ create: CREATE_KEY }, 'no API key can be used yet: every request to /api is answered 401');
  } catch (error) {
    log.debug({ reason: errorMessage(error) }, 'the API keys cannot be read');
  }
}
