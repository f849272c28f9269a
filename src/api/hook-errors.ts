import { PasserelleError } from '../errors.ts';

/** A webhook without ODOO_HOOK_SECRET, or with another one: which is not told. */
export class BadHookSecretError extends PasserelleError {
  override readonly name = 'BadHookSecretError';
  readonly code = 'bad_hook_secret';
  constructor() {
    super(
      'Send ODOO_HOOK_SECRET as the parameter secret of the URL, or in the header Authorization: Bearer.',
    );
  }
}

/** A webhook of a model that is not mirrored. Told only to who knows the secret. */
export class NotMirroredError extends PasserelleError {
  override readonly name = 'NotMirroredError';
  readonly code = 'not_mirrored';
  constructor(model: string, mirrored: readonly string[]) {
    super(`_model: expected ${mirrored.join(' or ')}, not ${JSON.stringify(model)}.`);
  }
}
