import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** The answer: a status and body, or any manual use of the response (or none: it hangs). */
export interface Scripted {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
export type Script = (request: Received, response: ServerResponse, count: number) => Scripted | undefined;

/** A real HTTP server that answers by a script, and is closed with the test. */
export async function scriptedServer(script: Script) {
  const received: Received[] = [];
  const server = createServer(async (incoming, response) => {
    const { method = '', url = '', headers } = incoming;
    const request = { method, path: url, headers, body: await text(incoming) };
    received.push(request);
    const answer = script(request, response, received.length);
    if (answer === undefined) return;
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.body ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, received, close: () => server.close() };
}

/** The call in a JSON-RPC request. */
export function asked(request: Received): { service: string; method: string; args: unknown[] } {
  return JSON.parse(request.body).params;
}

export function result(value: unknown): Scripted {
  return { body: JSON.stringify({ jsonrpc: '2.0', id: 1, result: value }) };
}

/** A well-behaved Odoo 14 over JSON-RPC, but for what `otherwise` answers to `execute_kw`. */
export function odoo14(otherwise: Script): Script {
  let calls = 0;
  return (request, response) => {
    if (request.path.endsWith('/web/version'))
      return { status: 404, headers: { 'content-type': 'text/html' }, body: '' };
    const { method } = asked(request);
    if (method === 'version') return result({ server_version: '14.0' });
    if (method === 'authenticate') return result(2);
    return otherwise(request, response, ++calls);
  };
}
