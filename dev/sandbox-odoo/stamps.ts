/**
 * Odoo's timestamps: UTC text. Inside with microseconds, as PostgreSQL prints them (no fraction when it is
 * zero), so that text order is time order; outside in whole seconds.
 */
export function stamp(at: Date, microseconds = 0): string {
  const text = at.toISOString();
  const fraction = `${text.slice(20, 23)}${String(microseconds).padStart(3, '0')}`;
  return wholeSecond(at) + (fraction === '000000' ? '' : `.${fraction}`);
}

/** `2026-01-31 08:00:00` */
function wholeSecond(at: Date): string {
  const text = at.toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}

/** The whole second `seconds` after a timestamp; its own fraction is dropped. */
export function secondsAfter(text: string, seconds: number): string {
  const at = new Date(`${text.slice(0, 10)}T${text.slice(11, 19)}Z`);
  return wholeSecond(new Date(at.getTime() + seconds * 1000));
}

/** The stamp of a transaction that starts now. The real clock gets microseconds; a given one is taken as is. */
export function stampOfNow(clock: (() => Date) | undefined): string {
  if (clock) return stamp(clock());
  return stamp(new Date(), Number((process.hrtime.bigint() / 1000n) % 1000n));
}
