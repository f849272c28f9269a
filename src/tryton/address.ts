import { TrytonRequestError } from './errors.ts';

/** Where a database is. */
export interface Address {
  /** `https://erp.example` */
  readonly origin: string;
  /** Of the database: `/tryton/`. */
  readonly path: string;
  /** Of the server, which knows its version without a session: `/`. */
  readonly rootPath: string;
  /** The whole address, without user and password: `https://erp.example/tryton/`. */
  readonly server: string;
}

/** Reads the URL of a database. Throws TrytonRequestError for what is none; the message does not quote it. */
export function addressOf(url: string): Address {
  const { protocol, origin, pathname } = parsed(url);
  const path = `${pathname.replace(/\/+$/, '')}/`;
  if (!/^https?:$/.test(protocol) || path === '/') throw notAnAddress();
  return { origin, path, rootPath: path.replace(/[^/]+\/$/, ''), server: origin + path };
}

function parsed(url: string): URL {
  if (!URL.canParse(url)) throw notAnAddress();
  return new URL(url);
}

function notAnAddress(): TrytonRequestError {
  return new TrytonRequestError(
    'The URL of a Tryton client has to be that of the database, such as https://tryton.example/tryton/.',
  );
}
