import { PasserelleError } from '../../src/shared/errors.ts';

/** DATABASE_URL has a mirror that no demo created. */
export class ForeignMirrorError extends PasserelleError {
  readonly code = 'foreign_mirror';
  constructor() {
    super(
      "DATABASE_URL holds a mirror that is not the demo's; the sandbox's BCs would overwrite it. Give an empty database, unset DATABASE_URL, or set ODOO_URL.",
    );
  }
}

/** Two parts of the demo count differently. */
export class WrongCountError extends PasserelleError {
  readonly code = 'wrong_count';
  constructor(who: string, counted: number, other: string, expected: number) {
    super(`${who} counts ${counted} BC, ${other} ${expected}.`);
  }
}

/** The API cannot reach Tryton. */
export class GatewayError extends PasserelleError {
  readonly code = 'gateway_failed';
  constructor(reason: string) {
    super(`The gateway does not reach Tryton: ${reason}`);
  }
}
