import type { FastifyReply } from 'fastify';

/**
 * Sends what is JSON already: PostgreSQL wrote it, or Tryton. The route's schema tells the caller what it is; no value is
 * looked at again here.
 */
export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(json);
}

/** A list, as `pageOf` describes it. `more`: members beside the items. */
export function pageJson(items: string, nextCursor: string | null, more: object = {}): string {
  const rest = JSON.stringify({ nextCursor, ...more });
  return `{"items":${items},${rest.slice(1)}`;
}
