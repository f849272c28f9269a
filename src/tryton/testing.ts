import { TrytonRequestError } from './errors.ts';
import type { SendRpc } from './types.ts';
import { decode, encode } from './wire/codec.ts';

/**
 * Answers by method: a value, an Error to throw, or a function of the call's parameters (the context is the last) that
 * returns or throws either, also as a promise. Values have the types that `call` returns: Decimal, DateTime and so on.
 */
export type Fixtures = Readonly<Record<string, Fixture>>;

type Fixture = null | boolean | number | bigint | string | object | ((params: readonly unknown[]) => unknown);

/** Answers from fixtures; logins always succeed. Throws TrytonRequestError for a method that has none. */
export function createFixtureSender(fixtures: Fixtures): SendRpc {
  return async ({ kind, method, params, signal }) => {
    signal?.throwIfAborted();
    if (kind === 'login') return { result: [1, 'testing'], cacheSeconds: null };
    if (!Object.hasOwn(fixtures, method)) {
      if (method === 'common.db.logout') return { result: null, cacheSeconds: null };
      throw withoutFixture(method);
    }
    const fixture = fixtures[method];
    const value: unknown = typeof fixture === 'function' ? await fixture(params.map(decode)) : fixture;
    if (value instanceof Error) throw value;
    return { result: encode(value ?? null, `testing[${JSON.stringify(method)}]`), cacheSeconds: null };
  };
}

function withoutFixture(method: string): TrytonRequestError {
  const name = JSON.stringify(method);
  return new TrytonRequestError(
    `${method} has no fixture, and this Tryton client is one for tests. ` +
      `Add it to the option: testing: { ${name}: (params) => … }, or the value itself.`,
  );
}
