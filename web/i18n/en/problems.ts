/** Texts of common problems, by code. Other problems are shown with the text of the service. */
export const problems = {
  no_connection: 'The service does not answer. Check that it runs, and try again.',
  unreadable: 'The service gave an answer that cannot be read.',
  bad_credentials: 'You are not signed in any more. Reload the page.',
  cross_origin: 'The request was refused because it did not come from this page. Reload it.',
  run_in_progress: 'A run is in progress already. Wait for its end, then try again.',
  odoo_not_configured: 'No Odoo is configured: only the copy that is there can be read.',
  tryton_not_configured: 'No Tryton is configured.',
  redis_unavailable: 'Redis does not answer, so nothing can be queued. Try again in a moment.',
  database_unavailable: 'PostgreSQL does not answer. Try again in a moment.',
  query_timeout: 'The search took too long. Narrow the filter.',
  failure_not_found: 'This purchase order has no open failure any more.',
  bc_not_found: 'The mirror has no such purchase order.',
  run_not_found: 'There is no such run.',
  rate_limited: 'Too many requests. Wait a moment.',
  bad_value: 'One of the values does not suit its field.',
  bad_cursor: 'The list has changed since: go back to its first page.',
};
