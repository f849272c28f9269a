import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { hasUsableKey } from '../db/api-keys.ts';
import { readKeyText } from '../db/key-text.ts';
import type { ApiKeyRow, Scope } from '../db/schema/gateway.ts';
import { errorMessage } from '../errors.ts';
import { BadKeyError, CREATE_KEY, MissingKeyError, MissingScopeError } from './access-errors.ts';
import type { ApiDeps } from './deps.ts';
import type { KeyRing } from './key-ring.ts';
import { createKeyRing } from './key-ring.ts';
import { createLimit } from './rate-limit.ts';

/** The key that a request came with. */
export type ApiKey = Readonly<Pick<ApiKeyRow, 'id' | 'prefix' | 'name' | 'scopes' | 'methods'>>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key needs for this route. Every route under /api names one. */
    scope?: Scope;
  }
  interface FastifyRequest {
    /** Null on routes that need no key. */
    apiKey: ApiKey | null;
  }
}

/**
 * Guards every route that is added after this call: those under /api need a key with the scope that they declare as
 * `config: { scope }`, and so does any other that declares one. What is not there under /api is told to keys only.
 */
export async function guardApi(api: FastifyInstance, deps: ApiDeps): Promise<void> {
  const ring = createKeyRing(deps.reserveDb, deps.log);
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
  api.addHook('onListen', () => {
    void warnWithoutKeys(deps);
  });
}

/** A route that was forgotten must not become an open door. */
function assertScoped({ method, url, config }: RouteOptions): void {
  if (isUnderApi(url) && config?.scope === undefined) {
    throw new Error(`${method} ${url} is under /api and declares no scope: add config: { scope }.`);
  }
}

const isUnderApi = (url: string): boolean => /^\/api(?:[/?]|$)/.test(url);

function bearerOf({ headers }: FastifyRequest): string | null {
  return /^Bearer +(\S+)$/i.exec(headers.authorization?.trim() ?? '')?.[1] ?? null;
}

/**
 * The key of a request. What may be a guess is counted before PostgreSQL is asked; a key that was good before is none.
 *
 * @throws MissingKeyError, or what `countGuess` and `KeyRing.find` throw.
 */
async function authenticate(
  ring: KeyRing,
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

/** Without what nobody needs who has been let in. */
const shownOf = ({ id, prefix, name, scopes, methods }: ApiKeyRow): ApiKey => ({
  id,
  prefix,
  name,
  scopes,
  methods,
});

/** @throws MissingScopeError */
function assertScope({ scopes }: ApiKey, needed: Scope): void {
  if (!scopes.includes(needed) && !scopes.includes('admin')) throw new MissingScopeError(needed, scopes);
}

/** Said once, when the API begins to listen. A database that does not answer is told of elsewhere. */
async function warnWithoutKeys({ db, log }: ApiDeps): Promise<void> {
  try {
    if (await hasUsableKey(db)) return;
    log.warn({ create: CREATE_KEY }, 'no API key can be used yet: every request to /api is answered 401');
  } catch (error) {
    log.debug({ reason: errorMessage(error) }, 'not known whether there is an API key');
  }
}
