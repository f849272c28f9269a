import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** Stands in front of a real Redis and can play its troubles. */
export interface RedisProxy {
  readonly url: string;
  /** Bytes go nowhere any more, connections stay open. */
  hang(): void;
  /** Connections are cut and refused. */
  down(): Promise<void>;
  /** As if nothing had been; connections that hung stay silent. */
  up(): Promise<void>;
  /** Round trips so far: chunks that came from clients. */
  chunks(): number;
}

export async function startRedisProxy(redisUrl: string): Promise<RedisProxy & { stop(): Promise<void> }> {
  const target = new URL(redisUrl);
  const open = new Set<Socket>();
  let hanging = false;
  let chunks = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 6379), target.hostname);
    const stuck = () => hanging;
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.on('data', (chunk) => {
        if (from === client) chunks += 1;
        if (!stuck()) to.write(chunk);
      });
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const down = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of open) socket.destroy();
    await closed;
  };
  const place = new URL(redisUrl);
  place.host = `127.0.0.1:${port}`;
  return {
    url: place.href,
    hang: () => {
      hanging = true;
    },
    down,
    up: async () => {
      hanging = false;
      if (!server.listening) await listen(port);
    },
    chunks: () => chunks,
    stop: down,
  };
}
