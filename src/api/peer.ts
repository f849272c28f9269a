import { isIP } from 'node:net';
import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';

/** Who closed the connection before anybody asked: all of them are one address. */
const GONE = 'gone';

/**
 * The address that a request is counted by: of IPv6 the network, since whoever has one has all of it. Some proxies forward
 * it with its port, which is another one for each connection.
 */
export function peerOf({ ip }: Pick<FastifyRequest, 'ip'>): string {
  // Fastify's type knows only of those that are still there.
  const address: string | undefined = ip;
  return address === undefined ? GONE : normalizeIP(isIP(address) === 0 ? withoutPort(address) : address);
}

const withoutPort = (text: string): string =>
  /^\[(.+)\](?::\d+)?$|^([^:]+):\d+$/.exec(text)?.slice(1).join('') ?? text;
