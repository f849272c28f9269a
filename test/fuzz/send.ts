import type { IncomingMessage } from 'node:http';
import { Agent, request as open } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';

/** One HTTP request, well formed or not. */
export interface Sent {
  readonly method: string;
  /** Path and query as they go over the wire. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Empty where the body never ends. */
  readonly text: string;
}

/** Nothing here takes so long: who waits for it hangs. */
const HANGS_MS = 30_000;

/** Connections kept open between requests, as clients do. */
export const agent = new Agent({ keepAlive: true, maxSockets: 4 });

/**
 * Sends a request and reads the whole answer; of one that never ends its head and first bytes.
 *
 * @throws Error when there is no answer: it hangs, or the connection breaks.
 */
export function send(origin: string, { method, target, headers, body }: Sent): Promise<Answered> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const sized = body === null ? {} : { 'content-length': String(body.length) };
    const chunked = 'transfer-encoding' in headers;
    const sent = chunked ? headers : { ...sized, ...headers };
    const outgoing = open({ hostname, port, agent, method, path: target, headers: sent }, (incoming) => {
      read(incoming).then(resolve, reject);
    });
    outgoing.setTimeout(HANGS_MS, () => outgoing.destroy(new Error(`no answer in ${HANGS_MS} ms`)));
    outgoing.once('error', reject);
    outgoing.end(body ?? undefined);
  });
}

async function read(incoming: IncomingMessage): Promise<Answered> {
  const { statusCode: status = 0, headers } = incoming;
  const chunks: Buffer[] = [];
  const neverEnds = String(headers['content-type']).startsWith('text/event-stream');
  for await (const chunk of incoming) {
    chunks.push(chunk);
    if (neverEnds) break;
  }
  const body = neverEnds ? Buffer.of() : unpacked(Buffer.concat(chunks), headers['content-encoding']);
  return { status, headers, text: body.toString('utf8') };
}

function unpacked(body: Buffer, coding: string | undefined): Buffer {
  if (coding === undefined || body.length === 0) return body;
  if (coding === 'br') return brotliDecompressSync(body);
  return coding === 'gzip' ? gunzipSync(body) : inflateSync(body);
}

/** A command for the request: to repeat the failure. */
export function curlOf(origin: string, { method, target, headers, body }: Sent): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const flags = Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  const data = body === null ? [] : ['--data-binary @-'];
  const line = ['curl -g --path-as-is -i', `-X ${method}`, ...flags, ...data, quoted(origin + target)].join(
    ' ',
  );
  return body === null ? line : `echo ${body.toString('base64')} | base64 -d | ${line}`;
}
