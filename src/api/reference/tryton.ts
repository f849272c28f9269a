import type { Reference } from './route-reference.ts';

const UPSTREAM = [
  'tryton_not_configured',
  'tryton_unreachable',
  'tryton_timeout',
  'tryton_login_suspended',
  'tryton_bad_credentials',
];

/** The routes of the gateway. */
export const trytonReference: Reference = {
  'POST /api/v1/tryton/rpc': {
    problems: [
      ...['tryton_bad_request', 'too_many_calls', 'method_not_allowed', 'tryton_method_not_allowed'],
      ...['tryton_user_error', 'tryton_user_warning', 'tryton_concurrency', 'body_too_large'],
      ...[
        'unsupported_media_type',
        'tryton_error',
        'tryton_rate_limited',
        'tryton_unknown_fate',
        ...UPSTREAM,
      ],
    ],
  },
  'GET /api/v1/tryton/ping': { problems: ['tryton_not_configured'] },
};
