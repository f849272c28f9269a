/** Texts of common problems, by code. Other problems are shown with the text of the service. */
export const problems = {
  no_connection: 'The service does not answer. Check that it runs, and try again.',
  unreadable: 'The answer of the service cannot be read. Try again.',
  bad_credentials: 'You are no longer signed in. Reload the page.',
  cross_origin: 'The request was refused because it did not come from this page. Reload it.',
  run_in_progress: 'A run is in progress already. Wait for its end, then try again.',
  odoo_not_configured: 'No Odoo is configured: only the existing copy can be read.',
  tryton_not_configured: 'No Tryton is configured.',
  redis_unavailable: 'Redis does not answer, so nothing can be queued. Try again in a moment.',
  database_unavailable: 'PostgreSQL does not answer. Try again in a moment.',
  query_timeout: 'The search took too long. Narrow the filter.',
  failure_not_found: 'This purchase order has no open failure.',
  bc_not_found: 'The mirror has no such purchase order.',
  run_not_found: 'There is no such run.',
  rate_limited: 'Too many requests. Wait a moment.',
  bad_value: 'One of the values does not suit its field.',
  bad_cursor: 'The list has changed. Go back to its first page.',
};
