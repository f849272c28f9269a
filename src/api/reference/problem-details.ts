/** What a problem may say of itself, by its code: for examples. Others are told by their title alone. */
export const PROBLEM_DETAILS: Readonly<Record<string, string>> = {
  invalid_request: 'querystring.limit: a whole number from 1 to 500',
  unknown_field: 'fields: there is no field "nom"; there are id, name, state.',
  unknown_operator: 'filter[urgent]: a boolean field has no operator "gt"; it has eq, ne, null.',
  bad_value: 'filter[amount_total][gte]: expected a number such as 12 or 12.5, not "much".',
  bad_cursor: 'cursor: it belongs to another sort or filter, or is damaged; ask for the first page again.',
  lines_not_included:
    'line_fields: it chooses the fields of lines that come with include=lines; add that too.',
  not_mirrored: 'Of res.partner nothing is mirrored; send webhooks of dimagaz.bc or dimagaz.bc.line.',
  too_many_calls: 'body: 101 calls in one batch; at most 100 are allowed. Nothing was sent.',
  missing_key: 'Send an API key in the header Authorization: Bearer psl_...',
  missing_scope: 'This needs the scope bc:read; the key has tryton:call.',
  bad_hook_secret: 'The secret of the webhook is missing or wrong.',
  bad_metrics_token: 'The token is missing or wrong.',
  method_not_allowed:
    "This key does not reach model.party.party.write; a key made with --scope tryton:call --method 'model.party.party.write' does.",
  bc_not_found: 'No BC with Odoo id 43 is in the mirror; POST /api/v1/bc/43/resync asks Odoo for it.',
  run_not_found: 'No run 999; GET /api/v1/sync/runs lists them.',
  failure_not_found: 'BC 43 has no open failure; GET /api/v1/sync/failures lists them.',
  run_in_progress: 'A run is in progress; try again when it is over.',
  rate_limited: 'More than 30000 requests per minute with this key; go on in 12 s.',
  too_many_exports: '3 exports are running already; try again once one of them is over.',
  odoo_not_configured:
    'No Odoo is configured; set ODOO_URL, ODOO_DB, ODOO_USER and ODOO_PASSWORD, then start again.',
  tryton_not_configured:
    'No Tryton is configured; set TRYTON_RPC_URL, TRYTON_USER and TRYTON_PASSWORD, then start again.',
  redis_unavailable: 'Redis does not answer; try again in a moment.',
  database_unavailable: 'PostgreSQL does not answer; try again in a moment.',
  not_ready: 'redis: does not answer',
};
