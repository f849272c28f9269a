import { PasserelleError } from '../../src/shared/errors.ts';

/** A phase did not end as it has to: its figures mean nothing. */
export class BenchFailedError extends PasserelleError {
  readonly code = 'bench_failed';
}
