import type { Scope } from '../db/schema/gateway.ts';
import { PasserelleError } from '../errors.ts';

/** What an operator types to get a first key. */
export const CREATE_KEY = 'npx passerelle keys create --name NAME --scope bc:read';

const noKeyYet = (anyKey: boolean) =>
  anyKey ? '' : ` There is no usable key yet; create one: ${CREATE_KEY}`;

/** No `Authorization: Bearer` in the request. */
export class MissingKeyError extends PasserelleError {
  override readonly name = 'MissingKeyError';
  readonly code = 'missing_key';
  constructor(anyKey: boolean) {
    super(`Send an API key in the header Authorization: Bearer psl_...${noKeyYet(anyKey)}`);
  }
}

/** Malformed, unknown, or the secret part is wrong: which one is not told. */
export class BadKeyError extends PasserelleError {
  override readonly name = 'BadKeyError';
  readonly code = 'bad_key';
  constructor(anyKey: boolean) {
    super(`This is no API key that is known here.${noKeyYet(anyKey)}`);
  }
}

/** Told only to who holds the whole key. */
export class ExpiredKeyError extends PasserelleError {
  override readonly name = 'ExpiredKeyError';
  readonly code = 'expired_key';
  constructor(at: Date) {
    super(`This API key expired at ${at.toISOString()}.`);
  }
}

/** Told only to who holds the whole key. */
export class RevokedKeyError extends PasserelleError {
  override readonly name = 'RevokedKeyError';
  readonly code = 'revoked_key';
  constructor() {
    super('This API key was revoked.');
  }
}

export class MissingScopeError extends PasserelleError {
  override readonly name = 'MissingScopeError';
  readonly code = 'missing_scope';
  constructor(needed: Scope, scopes: readonly Scope[]) {
    super(`This needs the scope ${needed}; the key has ${scopes.join(', ')}.`);
  }
}

/** A key that does not open this Tryton method. */
export class MethodNotAllowedError extends PasserelleError {
  override readonly name = 'MethodNotAllowedError';
  readonly code = 'method_not_allowed';
  constructor(method: string, reserved: boolean) {
    super(
      reserved
        ? `${method} is not for callers: the gateway signs in and out by itself.`
        : `This key does not reach ${method}; a key made with --scope tryton:call --method '${method}' does.`,
    );
  }
}

export class RateLimitedError extends PasserelleError {
  override readonly name = 'RateLimitedError';
  readonly code = 'rate_limited';
  override readonly retryable = true;
  constructor(
    whose: 'this key' | 'this address without a valid key' | 'hooks of this address',
    perMinute: number,
    seconds: number,
  ) {
    super(`More than ${perMinute} requests per minute with ${whose}; go on in ${seconds} s.`);
  }
}
