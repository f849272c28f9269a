import { type CutEnd, CuttableProxy } from '../../support/cuttable-proxy.ts';

export type Peer = 'postgres' | 'redis' | 'odoo';

const VARIABLES = { postgres: 'DATABASE_URL', redis: 'REDIS_URL', odoo: 'ODOO_URL' } as const;

/** The links of one worker to its servers, which can be cut. */
export class Links {
  readonly #proxies: Readonly<Record<Peer, CuttableProxy>>;

  private constructor(proxies: Readonly<Record<Peer, CuttableProxy>>) {
    this.#proxies = proxies;
  }

  static async open(env: Readonly<Record<string, string>>): Promise<Links> {
    const to = (peer: Peer) => CuttableProxy.open(env[VARIABLES[peer]] ?? '');
    const [postgres, redis, odoo] = await Promise.all([to('postgres'), to('redis'), to('odoo')]);
    return new Links({ postgres, redis, odoo });
  }

  /** The environment of this worker. */
  through(env: Readonly<Record<string, string>>): Record<string, string> {
    const peers = Object.entries(this.#proxies) as [Peer, CuttableProxy][];
    return {
      ...env,
      ...Object.fromEntries(
        peers.map(([peer, proxy]) => [VARIABLES[peer], proxy.through(env[VARIABLES[peer]] ?? '')]),
      ),
    };
  }

  cut(peers: readonly Peer[]): void {
    for (const peer of peers) this.#proxies[peer].cut();
  }

  heal(peers: readonly Peer[], end: CutEnd): void {
    for (const peer of peers) this.#proxies[peer].heal(end);
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#proxies).map((proxy) => proxy.close()));
  }
}
