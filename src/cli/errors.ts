import { PasserelleError } from '../shared/errors.ts';

/** An argument or option of a command is not valid. */
export class BadArgumentError extends PasserelleError {
  readonly code = 'bad_argument';
}

export class UnknownKeyError extends PasserelleError {
  readonly code = 'unknown_key';
  constructor(given: string) {
    // The argument may be a whole key, which is secret.
    const which = given.length > MAX_SHOWN ? 'that' : JSON.stringify(given);
    super(`There is no key with the id or prefix ${which}; "passerelle keys list" shows them.`);
  }
}

const MAX_SHOWN = 20;
