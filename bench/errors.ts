import { PasserelleError } from '../src/shared/errors.ts';

/** A measurement did not end as expected, so its figures would be meaningless. */
export class MeasurementFailedError extends PasserelleError {
  readonly code = 'measurement_failed';
}

/** A page lacks the marks between which figures are written. */
export class NoPlaceForFiguresError extends PasserelleError {
  readonly code = 'no_place_for_figures';
  constructor(file: string, begin: string, end: string) {
    super(`${file} has no "${begin}" followed by "${end}". The figures are written between these marks.`);
  }
}
