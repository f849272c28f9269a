/** The part of the `xmlrpc` package that the naive rival uses: its client. */
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
