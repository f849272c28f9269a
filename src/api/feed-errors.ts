import { PasserelleError } from '../errors.ts';

/** All places of the live events are taken, or all that one key may take. */
export class TooManyListenersError extends PasserelleError {
  override readonly name = 'TooManyListenersError';
  readonly code = 'too_many_listeners';
  override readonly retryable = true;
  constructor() {
    super('Too many listen to the live events; close some, or ask GET /api/v1/sync now and then.');
  }
}

/** The process is being stopped: there will be no more events. */
export class ShuttingDownError extends PasserelleError {
  override readonly name = 'ShuttingDownError';
  readonly code = 'shutting_down';
  override readonly retryable = true;
  constructor() {
    super('This process is being stopped; connect again.');
  }
}
