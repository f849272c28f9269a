import type { IncomingMessage } from 'node:http';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** Stands in front of a Tryton and takes note of every secret that passes. */
export async function startRecorder(target: string) {
  const { host, pathname } = new URL(target);
  const bodies: string[] = [];
  const tokens = new Set<string>();
  const server = createServer(async (incoming, outgoing) => {
    const { method, url = '/', headers } = incoming;
    if (headers.authorization !== undefined) tokens.add(headers.authorization.replace(/^Session /, ''));
    const sent = await buffer(incoming);
    bodies.push(sent.toString());
    const onward = request(`http://${host}${url}`, { method, headers: { ...headers, host } });
    onward.on('response', async (answer: IncomingMessage) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
    });
    onward.on('error', () => outgoing.destroy());
    onward.end(sent);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${pathname}`,
    /** The requests to Tryton. */
    bodies,
    /** The contents of `Authorization: Session ...`, and the session keys in them. */
    sessions: () =>
      [...tokens].flatMap((token) => [
        token,
        Buffer.from(token, 'base64').toString().split(':').at(-1) ?? '',
      ]),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
