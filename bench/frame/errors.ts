import { PasserelleError } from '../../src/shared/errors.ts';

/** A page that the figures were to be written into has no place for them. */
export class NoPlaceForFiguresError extends PasserelleError {
  readonly code = 'no_place_for_figures';
  constructor(file: string, begin: string, end: string) {
    super(`${file} has no "${begin}" followed by "${end}": there the figures would go.`);
  }
}

/** Something did not end as it has to: its figures would mean nothing. */
export class MeasurementFailedError extends PasserelleError {
  readonly code = 'measurement_failed';
}
