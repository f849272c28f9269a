import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import basicAuth from '@fastify/basic-auth';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { ApiContext } from '../context.ts';
import {
  BadCredentialsError,
  CrossOriginError,
  MissingAdminHeaderError,
  TooManyLoginsError,
} from '../errors.ts';
import { sendProblem, toProblem } from '../problem-details.ts';
import { clientIp, RateLimitStore } from './rate-limit.ts';

const MAX_WRONG = 10;
const WINDOW_MS = 15 * 60_000;
/** Maximum of addresses in memory. */
const MAX_KEPT = 10_000;

/**
 * Counts failed logins by address, of IPv6 by network: after ten in 15 minutes the address is blocked until the window
 * ends. Redis counts for all processes; each process counts too, for the time without Redis. A correct login does not
 * reset the count: otherwise a client that shares the address of the admin could guess forever.
 */
class AdminLogins {
  readonly #store: RateLimitStore;
  readonly #counts = new LRUCache<string, { readonly wrong: number; readonly until: number }>({
    max: MAX_KEPT,
  });

  constructor(store: RateLimitStore) {
    this.#store = store;
  }

  /**
   * Checks a login, and counts a wrong one. Redis takes commands in order: a correct login sees every wrong one before
   * it.
   *
   * @throws TooManyLoginsError if there were too many wrong ones before it.
   */
  async check(ip: string, isWrong: boolean): Promise<void> {
    const address = clientIp({ ip });
    const here = this.#countHere(address, isWrong);
    const shared = await this.#store.take(address, MAX_WRONG, isWrong ? undefined : 0).catch(() => here);
    const { left, ms } = shared.left < here.left ? shared : here;
    if (left === 0) throw new TooManyLoginsError(Math.max(1, Math.ceil(ms / 1000)));
  }

  /** The number of wrong logins before this one. */
  #countHere(address: string, isWrong: boolean) {
    const now = performance.now();
    const known = this.#counts.get(address);
    const count = known !== undefined && known.until > now ? known : { wrong: 0, until: now + WINDOW_MS };
    const left = Math.max(0, MAX_WRONG - count.wrong);
    if (isWrong) this.#counts.set(address, { ...count, wrong: count.wrong + 1 });
    return { left, ms: count.until - now };
  }
}

const ADMIN_HEADER = 'x-passerelle-admin';

type AdminDeps = Pick<ApiContext, 'config' | 'cacheRedis'>;

/**
 * Guards every route of a scope by user and password. A loopback address is not trusted, because behind a local proxy
 * every visitor has it. Changes are accepted only from pages of the same origin. Refusals are answered here, not
 * thrown, because bull-board has its own error handler.
 */
export async function guardAdmin(scope: FastifyInstance, { config, cacheRedis }: AdminDeps): Promise<void> {
  const { adminUser, adminPassword } = config.http;
  scope.addHook('onRoute', openToAdmin);
  const logins = new AdminLogins(
    new RateLimitStore(cacheRedis, `${config.queuePrefix}:admin-logins:`, WINDOW_MS),
  );
  await scope.register(basicAuth, {
    authenticate: { realm: 'Passerelle' },
    validate: async (user, password, { ip }) => {
      // Both are always compared, so that the time does not show which one was wrong.
      const isWrong = [equal(user, adminUser), equal(password, adminPassword)].includes(false);
      await logins.check(ip, isWrong);
      if (isWrong) throw new BadCredentialsError();
    },
  });
  scope.addHook(
    'onRequest',
    refuse((request, reply) => authenticate(scope, request, reply)),
  );
  scope.addHook('onRequest', refuse(assertSameOrigin));
}

/**
 * Routes of the API are mounted again under /admin. There the admin login replaces their key and scope, and the OpenAPI
 * document leaves them out.
 */
function openToAdmin(route: RouteOptions): void {
  if (route.config?.scope === undefined) return;
  const { scope: _replaced, ...config } = route.config;
  route.config = config;
  route.schema = { ...route.schema, hide: true };
}

/**
 * Protects the data of the admin pages against other sites. A change needs a header that no form can send and that a
 * page of another origin cannot send without a preflight. Loads by pages of other sites are refused too, because lists
 * and exports cost resources.
 */
export function guardAdminData(scope: FastifyInstance): void {
  scope.addHook(
    'onRequest',
    refuse(({ method, headers }) => {
      if (!isFromHere(headers)) throw new CrossOriginError();
      if (!isRead(method) && headers[ADMIN_HEADER] !== '1') throw new MissingAdminHeaderError(ADMIN_HEADER);
    }),
  );
}

const isRead = (method: string) => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

type Check = (request: FastifyRequest, reply: FastifyReply) => Promise<void> | void;

function refuse(check: Check) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      await check(request, reply);
    } catch (error) {
      const problem = toProblem(error);
      const { ip, socket } = request;
      request.log.warn({ code: problem.code, ip, peer: socket.remoteAddress }, 'admin refused');
      if (error instanceof TooManyLoginsError) reply.header('retry-after', error.seconds);
      return sendProblem(reply, problem);
    }
  };
}

/** @throws BadCredentialsError, after `WWW-Authenticate` was set, or TooManyLoginsError. */
async function authenticate(scope: FastifyInstance, request: FastifyRequest, reply: FastifyReply) {
  const error = await new Promise<Error | undefined>((resolve) => {
    scope.basicAuth(request, reply, resolve);
  });
  if (error instanceof TooManyLoginsError) {
    reply.removeHeader('www-authenticate');
    throw error;
  }
  if (error !== undefined) throw new BadCredentialsError();
}

/**
 * Browsers send the origin of a request. A request without one does not come from a page.
 *
 * @throws CrossOriginError
 */
function assertSameOrigin({ method, headers }: FastifyRequest): void {
  if (isRead(method)) return;
  const { origin, host = '' } = headers;
  if (!isFromHere(headers) || (origin !== undefined && !isOriginOf(origin, host)))
    throw new CrossOriginError();
}

/** `none`: the address was typed or bookmarked. */
function isFromHere({ 'sec-fetch-site': site = 'none' }: IncomingHttpHeaders): boolean {
  return site === 'same-origin' || site === 'none';
}

/** Uses the scheme of the browser, because a proxy may end TLS. */
function isOriginOf(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: its } = new URL(origin);
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === its;
}

/** Compares in constant time, whatever the lengths. */
function equal(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
