/** The client of the `xmlrpc` package, for the naive sync. */
declare module 'xmlrpc' {
  interface ClientOptions {
    readonly host: string;
    readonly port: number;
    readonly path: string;
  }
  interface Client {
    methodCall(
      method: string,
      params: readonly unknown[],
      done: (error: Error | null, value: unknown) => void,
    ): void;
  }
  const xmlrpc: {
    createClient(options: ClientOptions): Client;
    createSecureClient(options: ClientOptions): Client;
  };
  export default xmlrpc;
}

/** The decoder of the `xmlrpc` package, for the comparison with our own. */
declare module 'xmlrpc/lib/deserializer.js' {
  import type { Readable } from 'node:stream';

  class Deserializer {
    constructor(encoding?: string);
    deserializeMethodResponse(stream: Readable, done: (error: Error | null, value: unknown) => void): void;
  }
  export default Deserializer;
}
