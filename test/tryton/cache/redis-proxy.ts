import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** Stands in front of a real Redis and can play its troubles. */
export interface RedisProxy {
  readonly url: string;
  /** Nothing is passed on any more; connections stay open and new ones are taken. */
  hang(): void;
  /** The connections of now lead nowhere for ever, without being closed; new ones work. */
  forget(): void;
  /** Connections are cut and refused. */
  down(): Promise<void>;
  /** Goes on after a pause: delayed bytes are passed on now. */
  up(): Promise<void>;
  /** The number of round trips to Redis, all connections together: commands sent before an answer count as one. */
  trips(): number;
  stop(): Promise<void>;
}

export async function startRedisProxy(redisUrl: string): Promise<RedisProxy> {
  const place = new URL(redisUrl);
  const open = new Map<Socket, Socket>();
  let hanging = false;
  let trips = 0;
  const link = (from: Socket, to: Socket) => {
    open.set(from, to);
    from.on('data', (chunk) => to.write(chunk));
    from.on('error', () => {});
    from.on('close', () => {
      open.delete(from);
      to.destroy();
    });
    if (hanging) from.pause();
  };
  const server = createServer((client) => {
    const upstream = connect(Number(place.port || 6379), place.hostname);
    link(client, upstream);
    link(upstream, client);
    let waiting = false;
    client.on('data', () => {
      if (!waiting) trips += 1;
      waiting = true;
    });
    upstream.on('data', () => {
      waiting = false;
    });
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const own = new URL(redisUrl);
  own.host = `127.0.0.1:${port}`;
  const down = async () => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of open.keys()) socket.destroy();
    await closed;
  };
  return {
    url: own.href,
    hang: () => {
      hanging = true;
      for (const socket of open.keys()) socket.pause();
    },
    forget: () => {
      for (const socket of open.keys()) socket.removeAllListeners('data');
    },
    down,
    up: async () => {
      hanging = false;
      for (const socket of open.keys()) socket.resume();
      if (!server.listening) await listen(port);
    },
    trips: () => trips,
    stop: down,
  };
}
