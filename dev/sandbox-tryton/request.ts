import { gunzipSync } from 'node:zlib';
import type { Dictionary, Value } from './values.ts';
import { isDictionary } from './values.ts';

/** A request whose body is read, or only measured where it is not to be read. */
export interface HttpRequest {
  readonly verb: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export const headerOf = (request: HttpRequest, name: string): string => String(request.headers[name] ?? '');

/** The content of an `Authorization` header. */
type Authorization =
  | { readonly kind: 'session'; readonly login: string; readonly userId: number; readonly key: string }
  | { readonly kind: 'basic'; readonly login: string; readonly password: string };

export function authorizationOf(request: HttpRequest): Authorization | null {
  const [, scheme = '', token = ''] = /^(\S+)\s+(\S+)$/.exec(headerOf(request, 'authorization')) ?? [];
  const [login = '', ...rest] = Buffer.from(token, 'base64').toString('utf8').split(':');
  if (scheme.toLowerCase() === 'basic') return { kind: 'basic', login, password: rest.join(':') };
  const [userId = '', key = ''] = rest;
  if (scheme.toLowerCase() !== 'session' || rest.length !== 2 || !/^\d+$/.test(userId)) return null;
  return { kind: 'session', login, userId: Number(userId), key };
}

/** The body as a JSON value; undefined for other texts. */
export function parsedBody(request: HttpRequest): Value | undefined {
  try {
    const isZipped = headerOf(request, 'content-encoding') === 'gzip';
    const text = (isZipped ? gunzipSync(request.body) : request.body).toString('utf8');
    const parsed: Value = JSON.parse(text);
    return parsed;
  } catch {
    return undefined;
  }
}

/** Whether the answer gets an envelope: only where these three keys are there, and no other. */
export const isEnveloped = (body: Value | undefined): body is Dictionary =>
  isDictionary(body) && Object.keys(body).sort().join() === 'id,method,params';

/** What Python makes of `*params`: a list as it is, an object as its keys. */
export function argumentsOf(params: Value | undefined): readonly Value[] | null {
  if (Array.isArray(params)) return params;
  if (typeof params === 'string') return [...params];
  return isDictionary(params) ? Object.keys(params) : null;
}
