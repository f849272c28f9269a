import { PasserelleError } from '../errors.ts';

/** A change asked for by a page of another site. */
export class CrossOriginError extends PasserelleError {
  override readonly name = 'CrossOriginError';
  readonly code = 'cross_origin';
  constructor() {
    super('The admin pages accept changes from their own origin only.');
  }
}

/** The request has no login, or a wrong user or password. Without ADMIN_PASSWORD the API wrote a password to stderr. */
export class BadCredentialsError extends PasserelleError {
  override readonly name = 'BadCredentialsError';
  readonly code = 'bad_credentials';
  constructor() {
    super('The admin pages ask for ADMIN_USER and ADMIN_PASSWORD.');
  }
}

/** Too many wrong logins from one address. Told to the right password too: it could be the next guess. */
export class TooManyLoginsError extends PasserelleError {
  override readonly name = 'TooManyLoginsError';
  readonly code = 'too_many_logins';
  override readonly retryable = true;
  readonly seconds: number;
  constructor(seconds: number) {
    super(`Too many wrong logins from this address; try again in ${seconds} s.`);
    this.seconds = seconds;
  }
}

/** A change that does not say it comes from the dashboard: what no form and no page of another site can say. */
export class MissingAdminHeaderError extends PasserelleError {
  override readonly name = 'MissingAdminHeaderError';
  readonly code = 'missing_admin_header';
  constructor(header: string) {
    super(`Changes under /admin/api need the header ${header}: 1.`);
  }
}

/** The files of the dashboard are not there. */
export class DashboardNotBuiltError extends PasserelleError {
  override readonly name = 'DashboardNotBuiltError';
  readonly code = 'dashboard_not_built';
  constructor() {
    super('The dashboard is not built; run `npm run build` and start again. /admin/queues works without it.');
  }
}
