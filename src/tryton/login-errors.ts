import type { CallSite } from './errors.ts';
import { TrytonError } from './errors.ts';
import type { OpenCircuit } from './types.ts';

/** Whatever keeps us from having a session. */
export class TrytonAuthError extends TrytonError {
  override readonly name: string = 'TrytonAuthError';
  readonly code: string = 'tryton_bad_credentials';
  constructor(
    site: CallSite,
    text = 'login and password were refused. Check TRYTON_USER and TRYTON_PASSWORD.',
  ) {
    super(site, text);
  }
}

/** A login was refused a short while ago: none is tried until then, since Tryton locks an account after a few. */
export class TrytonCircuitOpenError extends TrytonAuthError {
  override readonly name = 'TrytonCircuitOpenError';
  override readonly code = 'tryton_login_suspended';
  /** When the next login may be tried. */
  readonly until: Date;
  constructor(site: CallSite, { until, reason }: OpenCircuit) {
    const moment = new Date(until);
    super(site, `no login is tried before ${moment.toISOString()}, because the last one failed: ${reason}`);
    this.until = moment;
  }
}

/** The login asks for more than a password: a second factor, say. Use a user that signs in by password alone. */
export class TrytonLoginStepError extends TrytonAuthError {
  override readonly name = 'TrytonLoginStepError';
  override readonly code = 'tryton_login_step';
  constructor(site: CallSite, step: string, words: string) {
    super(
      site,
      `the login asks for ${JSON.stringify(step)} (${words}), which a service cannot answer. ` +
        'Use a Tryton user that signs in with a password alone.',
    );
  }
}

/** A session that was just made was refused too (HTTP 401 twice). */
export class TrytonSessionError extends TrytonAuthError {
  override readonly name = 'TrytonSessionError';
  override readonly code = 'tryton_session_refused';
  constructor(site: CallSite) {
    super(
      site,
      'the session was refused (HTTP 401), and so was a new one. Check the server and what stands before it.',
    );
  }
}
