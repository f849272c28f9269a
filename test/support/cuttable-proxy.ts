import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The client and the server of one connection. `server` is null while the link is cut and the client is new. */
interface Pair {
  readonly client: Socket;
  server: Socket | null;
}

/**
 * How a cut ends. `resume`: the withheld bytes arrive. `reset`: both ends get a reset. `half open`: only the client
 * gets one, and the server keeps its end until the proxy closes.
 */
export type CutEnd = 'resume' | 'reset' | 'half open';

/**
 * A TCP proxy of 127.0.0.1 whose link can be cut: then no byte passes in either direction, and no socket is closed.
 * The kernel of this machine still acknowledges packets, so keepalive probes of both ends succeed.
 */
export class CuttableProxy {
  readonly #target: { readonly host: string; readonly port: number };
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #orphans = new Set<Socket>();
  #isCut = false;

  private constructor(target: URL) {
    this.#target = { host: target.hostname, port: Number(target.port) };
    this.#server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (client) =>
      this.#accept(client),
    );
  }

  /** A proxy in front of the server that a URL names. */
  static async open(target: string): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(new URL(target));
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  /** The URL of the same resource, through this proxy. */
  through(url: string): string {
    const other = new URL(url);
    other.hostname = '127.0.0.1';
    other.port = String((this.#server.address() as AddressInfo).port);
    return other.href.replace(/\/$/, url.endsWith('/') ? '/' : '');
  }

  cut(): void {
    this.#isCut = true;
    for (const { client, server } of this.#pairs) {
      client.pause();
      server?.pause();
    }
  }

  /** Ends a cut. New connections work again, whatever becomes of the old ones. */
  heal(end: CutEnd): void {
    if (!this.#isCut) return;
    this.#isCut = false;
    for (const pair of [...this.#pairs]) {
      if (end === 'resume') this.#flow(pair);
      else this.#reset(pair, end);
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const pair of [...this.#pairs]) this.#reset(pair, 'reset');
    for (const orphan of this.#orphans) orphan.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    const pair: Pair = { client, server: null };
    this.#pairs.add(pair);
    client.on('error', () => this.#reset(pair, 'reset'));
    if (!this.#isCut) this.#flow(pair);
  }

  #flow(pair: Pair): void {
    pair.server ??= this.#join(pair);
    pair.client.resume();
    pair.server.resume();
  }

  #join(pair: Pair): Socket {
    const { client } = pair;
    const server = connect({ ...this.#target, allowHalfOpen: true });
    server.setNoDelay(true);
    client.setNoDelay(true);
    server.on('error', () => {
      if (pair.server === server) this.#reset(pair, 'reset');
    });
    this.#pass(client, server);
    this.#pass(server, client);
    const ended = () => {
      if (client.destroyed && server.destroyed) this.#pairs.delete(pair);
    };
    client.on('close', () => {
      if (!server.destroyed) server.end();
      ended();
    });
    server.on('close', () => {
      if (!client.destroyed) client.end();
      ended();
    });
    return server;
  }

  #pass(from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      if (!to.writable) return;
      if (!to.write(chunk)) from.pause();
    });
    from.on('end', () => to.end());
    to.on('drain', () => {
      if (!this.#isCut) from.resume();
    });
  }

  #reset(pair: Pair, end: Exclude<CutEnd, 'resume'>): void {
    this.#pairs.delete(pair);
    const { client, server } = pair;
    if (end === 'half open' && server !== null && !server.destroyed) {
      client.removeAllListeners('close');
      server.pause();
      this.#orphans.add(server);
      server.once('close', () => this.#orphans.delete(server));
    } else server?.resetAndDestroy();
    if (!client.destroyed) client.resetAndDestroy();
  }
}
