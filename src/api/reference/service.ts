import type { Reference } from './route-reference.ts';

/** The routes of probes, figures and webhooks. */
export const serviceReference: Reference = {
  'GET /healthz': {
    description: 'Touches nothing: for the probe that restarts a process.',
    answer: { status: 'ok' },
    problems: [],
  },
  'GET /readyz': {
    description: 'For the probe that sends requests elsewhere. `errors` names each check that fails.',
    answer: { status: 'ready' },
    problems: ['not_ready'],
  },
  'GET /metrics': {
    description: 'Open, unless METRICS_TOKEN is set: then with Authorization: Bearer.',
    answer: '# HELP passerelle_up 1 while the process answers\n# TYPE passerelle_up gauge\npasserelle_up 1\n',
    problems: ['bad_metrics_token'],
  },
  'POST /hooks/odoo': {
    answer: { status: 'accepted' },
    body: { _action: 'Passerelle(#42)', _id: 7, _model: 'dimagaz.bc' },
    parameters: { secret: 'the-secret-of-the-hook' },
    problems: ['bad_hook_secret', 'not_mirrored', 'redis_unavailable'],
  },
};
