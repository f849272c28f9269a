import { createHash, timingSafeEqual } from 'node:crypto';
import { PasserelleError } from '../errors.ts';

/** Somebody asked for the metrics without METRICS_TOKEN. */
export class BadMetricsTokenError extends PasserelleError {
  override readonly name = 'BadMetricsTokenError';
  readonly code = 'bad_metrics_token';
  constructor() {
    super('The metrics are for who knows METRICS_TOKEN; send it as Authorization: Bearer.');
  }
}

/**
 * @param token null: everybody may look, there is neither a secret nor anything of a BC in them.
 * @throws BadMetricsTokenError
 */
export function checkToken(token: string | null, authorization: string | undefined): void {
  if (token === null) return;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`)))
    throw new BadMetricsTokenError();
}
