import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import basicAuth from '@fastify/basic-auth';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { AdminLocalOnlyError, BadCredentialsError, CrossOriginError } from './errors.ts';
import { sendProblem, toProblem } from './problem.ts';

/**
 * Guards every route of a scope: by ADMIN_USER and ADMIN_PASSWORD, or, where no password is set, by being on this
 * machine. Changes are accepted from the scope's own pages only.
 *
 * Refusals are answered here, not thrown: bull-board brings an error handler of its own.
 */
export async function guardAdmin(scope: FastifyInstance, { http }: Config): Promise<void> {
  const { adminUser, adminPassword } = http;
  if (adminPassword === undefined) scope.addHook('onRequest', refuse(assertLocal));
  else {
    await scope.register(basicAuth, {
      authenticate: { realm: 'Passerelle' },
      validate: async (user, password) => {
        // Both are compared, whatever the first says: the time taken tells nothing.
        const right = [equal(user, adminUser), equal(password, adminPassword)];
        if (right.includes(false)) throw new BadCredentialsError();
      },
    });
    scope.addHook(
      'onRequest',
      refuse((request, reply) => authenticate(scope, request, reply)),
    );
  }
  scope.addHook('onRequest', refuse(assertSameOrigin));
}

type Check = (request: FastifyRequest, reply: FastifyReply) => Promise<void> | void;

function refuse(check: Check) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    try {
      await check(request, reply);
    } catch (error) {
      request.log.warn({ code: toProblem(error).code, peer: request.socket.remoteAddress }, 'admin refused');
      return sendProblem(reply, toProblem(error));
    }
  };
}

/** @throws BadCredentialsError, after `WWW-Authenticate` was set. */
async function authenticate(scope: FastifyInstance, request: FastifyRequest, reply: FastifyReply) {
  await new Promise<void>((resolve, reject) => {
    scope.basicAuth(request, reply, (error) => (error ? reject(new BadCredentialsError()) : resolve()));
  });
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/;

/**
 * The socket's peer decides. What a proxy says of its client is never a reason to let somebody in, but it is one to
 * keep them out; so is a host name that is not this machine's: a page that had its own name resolve to 127.0.0.1.
 *
 * @throws AdminLocalOnlyError
 */
function assertLocal({ socket, headers, hostname }: FastifyRequest): void {
  const proxied = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined;
  const host = hostname.replace(/^\[|\]$/g, '');
  const ours = host === 'localhost' || (isIP(host) !== 0 && LOOPBACK.test(host));
  if (!LOOPBACK.test(socket.remoteAddress ?? '') || proxied || !ours) throw new AdminLocalOnlyError();
}

/**
 * Browsers say where a request comes from; a request that says nothing does not come from a page.
 *
 * @throws CrossOriginError
 */
function assertSameOrigin({ method, headers }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return;
  const { origin, host = '', 'sec-fetch-site': site = 'none' } = headers;
  const foreignSite = site !== 'same-origin' && site !== 'none';
  if (foreignSite || (origin !== undefined && !isOriginOf(origin, host))) throw new CrossOriginError();
}

/** The scheme is the browser's: behind a proxy that ends TLS it is not ours. */
function isOriginOf(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: its } = new URL(origin);
  return URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === its;
}

/** Compares in a time that does not depend on where two texts differ, nor on their lengths. */
function equal(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
