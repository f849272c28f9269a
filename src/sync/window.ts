/** Odoo's own wording of a moment: UTC, whole seconds, rounded down. */
export function odooDateTime(moment: Date): string {
  return moment.toISOString().slice(0, 19).replace('T', ' ');
}

/**
 * Lower bound of an incremental window, to be compared with `>=`.
 *
 * `write_date` is when Odoo's transaction began (14.0, 19.0), so a record committed after the last run may carry
 * an older one: the window reaches back by `overlapMs`. Where Odoo's clock was set back, it reaches back from `now`.
 */
export function windowStart(lastSync: Date, now: Date, overlapMs: number): Date {
  return new Date(Math.min(lastSync.getTime(), now.getTime()) - overlapMs);
}
