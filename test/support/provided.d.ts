declare module 'vitest' {
  /** The values that the global setups provide to test files. */
  interface ProvidedContext {
    /** A database of the server of the tests; never written to, it may belong to a person. */
    databaseUrl: string;
    redisUrl: string;
    /** The migrated database to clone. All databases and Redis keys of this run begin with its name. */
    templateName: string;
    /** Where test processes start. A process reads the `.env` file there; that of the repository may name real servers. */
    emptyDirectory: string;
    /** The path of the browser; only in the project `browser`. */
    chromium: string;
  }
}

export {};
