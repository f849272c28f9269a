import { PasserelleError } from '../../src/shared/errors.ts';

/** A phase did not end as it has to: its figures mean nothing. */
export class BenchFailedError extends PasserelleError {
  override readonly name = 'BenchFailedError';
  readonly code = 'bench_failed';
}
