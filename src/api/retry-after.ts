/**
 * Seconds after which to ask again, by the code of what passes by itself. What waits for a person has none: a migration,
 * a setting, a build.
 */
export const RETRY_AFTER: Readonly<Record<string, number>> = {
  not_ready: 5,
  shutting_down: 5,
  too_many_listeners: 5,
  too_many_exports: 10,
  redis_unavailable: 5,
  database_unavailable: 5,
  tryton_unreachable: 5,
  tryton_unavailable: 5,
};

/** These know their time themselves. */
const OF_THEIR_OWN = ['rate_limited', 'too_many_logins', 'tryton_rate_limited', 'tryton_login_suspended'];

/** The codes of problems that come with `Retry-After`. */
export const TELLS_WHEN: ReadonlySet<string> = new Set([...Object.keys(RETRY_AFTER), ...OF_THEIR_OWN]);
