import { createHash, timingSafeEqual } from 'node:crypto';
import { PasserelleError } from '../../shared/errors.ts';

// Not in registry.ts: prom-client loads OpenTelemetry, and routes must not.

/**
 * Missing or invalid metrics token.
 *
 * @fix Send METRICS_TOKEN as `Authorization: Bearer <token>`.
 */
export class BadMetricsTokenError extends PasserelleError {
  readonly code = 'bad_metrics_token';
  constructor() {
    super('Missing or invalid metrics token. Send METRICS_TOKEN as `Authorization: Bearer <token>`.');
  }
}

/**
 * @param token null: no token is needed, because metrics contain no secret and no content of a BC.
 * @throws BadMetricsTokenError
 */
export function checkToken(token: string | null, authorization: string | undefined): void {
  if (token === null) return;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`)))
    throw new BadMetricsTokenError();
}
