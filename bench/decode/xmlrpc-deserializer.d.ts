/** The part of the `xmlrpc` package that the mirror does without: its decoder of answers. */
declare module 'xmlrpc/lib/deserializer.js' {
  import type { Readable } from 'node:stream';

  class Deserializer {
    constructor(encoding?: string);
    deserializeMethodResponse(stream: Readable, done: (error: Error | null, value: unknown) => void): void;
  }
  export default Deserializer;
}
