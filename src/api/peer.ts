import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';

/** Who closed the connection before anybody asked: all of them are one address. */
const GONE = 'gone';

/** The address that a request is counted by: of IPv6 the network, since whoever has one has all of it. */
export function peerOf({ ip }: Pick<FastifyRequest, 'ip'>): string {
  // Fastify's type knows only of those that are still there.
  const address: string | undefined = ip;
  return address === undefined ? GONE : normalizeIP(address);
}
