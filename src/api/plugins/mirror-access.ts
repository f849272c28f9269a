import type { FastifyRequest, RouteOptions } from 'fastify';
import { z } from 'zod';
import { keyOf } from '../../db/documents/mirrors.ts';
import type { RouteMirror } from '../context.ts';
import { MirrorNotAllowedError, MirrorNotFoundError } from '../errors.ts';

/*
 * API keys that are limited to some mirrors (`passerelle keys create --mirror`).
 *
 * Each route with a scope has one answer to the question which mirrors it reads or changes. If its schema has a
 * parameter `mirror`, that parameter names the mirror. Every other route, and one whose parameter is optional, declares
 * it as `config: { mirror }`. A route without an answer does not start, so a new route cannot forget the check.
 *
 * The check runs after validation, because only then the parameters have their defaults, and before the handler. A
 * limited key gets 403 for any mirror that it does not have, configured or not: so it cannot probe for names.
 *
 *     api.get('/api/v1/checks', { config: { scope: 'bc:read', mirror: 'all' }, schema }, handler);
 */

const PLACES = { params: 'params', querystring: 'query', body: 'body' } as const;
type NamedIn = (typeof PLACES)[keyof typeof PLACES];

/** The part of a request whose parameter `mirror` names the mirror; otherwise what the route declares. */
export function mirrorOfRoute({
  schema,
  config,
}: Pick<RouteOptions, 'schema' | 'config'>): RouteMirror | NamedIn | undefined {
  for (const [part, place] of Object.entries(PLACES)) {
    const described = schema?.[part as keyof typeof PLACES];
    if (described instanceof z.ZodObject && 'mirror' in described.shape) return place;
  }
  return config?.mirror;
}

/** The limit of a key. Null: the login of the admin pages, which has none. */
type Limited = { readonly mirrors: readonly string[] } | null;

/** The names of the mirrors that a key may reach; null: all. */
export const limitOf = (key: Limited): readonly string[] | null =>
  key === null || key.mirrors.length === 0 ? null : key.mirrors;

/** Whether a key may reach a mirror. */
export function reaches(key: Limited, mirror: string): boolean {
  return limitOf(key)?.includes(mirror) ?? true;
}

/** The keys in `sync_log` and `alert_incident` of the mirrors that an API key may reach; null: all. */
export function reachedKeys(key: Limited): readonly string[] | null {
  return limitOf(key)?.map(keyOf) ?? null;
}

/**
 * Refuses the request of a limited key for a mirror that it does not have.
 *
 * @param served the names of the mirrors that this process serves.
 * @throws MirrorNotAllowedError, or MirrorNotFoundError if a mirror of the key left the configuration.
 */
export function assertMirror(request: FastifyRequest, served: readonly string[]): void {
  const { apiKey, routeOptions } = request;
  if (apiKey === null || limitOf(apiKey) === null || routeOptions.config.scope === undefined) return;
  const mirror = mirrorAsked(request);
  if (mirror === null) return;
  if (mirror === undefined) throw new MirrorNotAllowedError(apiKey.mirrors, 'all');
  if (!reaches(apiKey, mirror)) throw new MirrorNotAllowedError(apiKey.mirrors, { mirror });
  // Here, because the handler would list the names of all mirrors.
  const own = served.filter((name) => reaches(apiKey, name));
  if (!own.includes(mirror)) throw new MirrorNotFoundError(mirror, own);
}

/** Null: the route needs no check. Undefined: it concerns all mirrors. */
function mirrorAsked(request: FastifyRequest): string | null | undefined {
  const { routeOptions } = request;
  const found = mirrorOfRoute(routeOptions);
  const isParameter = found === 'params' || found === 'query' || found === 'body';
  const given = isParameter ? named(request[found]) : undefined;
  if (given !== undefined) return given;
  // A request may leave out an optional parameter.
  const declared = isParameter ? routeOptions.config.mirror : found;
  if (declared === 'own' || declared === 'none') return null;
  return declared === 'all' ? undefined : declared;
}

/** The validated parameter. */
function named(part: unknown): string | undefined {
  const { mirror } = part as { readonly mirror?: unknown };
  return typeof mirror === 'string' ? mirror : undefined;
}
