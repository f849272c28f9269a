import type { Reference } from '../../schemas.ts';

const run = {
  id: 311,
  mode: 'incremental',
  trigger: 'schedule',
  status: 'success',
  requestedAt: '2026-01-31T08:01:00.004Z',
  startedAt: '2026-01-31T08:01:00.051Z',
  finishedAt: '2026-01-31T08:01:07.633Z',
  since: '2026-01-31T07:50:00.000Z',
  nowSync: '2026-01-31T08:01:00.000Z',
  continues: null,
  odooIds: null,
  force: false,
  protocol: 'json2',
  odooVersion: '19.0',
  ...{ planned: 3, seen: 3, created: 1, updated: 1, unchanged: 1, archived: 0, gone: 0, failed: 0, late: 0 },
  ...{ linesSeen: 9, linesRemoved: 0, rpcCalls: 6, durationMs: 7582, errorCode: null, errorMessage: null },
};

const progress = { created: 1, updated: 1, unchanged: 1 };

const overview = {
  key: 'bclinbc',
  isSyncing: false,
  lastSync: '2026-01-31T08:01:00.000Z',
  ...{ ageSeconds: 42, everySeconds: 60, lateAfterSeconds: 600 },
  currentRun: null,
  lastRuns: [run],
  lastMirrorRun: run,
  openFailures: 0,
  openIncidents: 0,
  queues: { sync: 0, pages: 0, bc: 0 },
};

const requested = { runId: 312, jobId: 'run-312' };
const REQUEST_PROBLEMS = ['odoo_not_configured', 'redis_unavailable'];
const page = { limit: 50, cursor: 300 };

/** The routes of runs, failures and incidents. */
export const syncReference: Reference = {
  'GET /api/v1/sync': {
    description: 'Answers without Redis too: `queues` is null then.',
    answer: overview,
    problems: [],
  },
  'GET /api/v1/sync/events': {
    answer: `event: state\ndata: ${JSON.stringify({ key: 'bclinbc', isSyncing: false })}\n\n`,
    problems: ['too_many_listeners', 'shutting_down'],
  },
  'GET /api/v1/sync/model': {
    description: 'The fields are what lists can be filtered and sorted by, and what `fields` can pick.',
    answer: {
      models: [
        {
          model: 'dimagaz.bc',
          view: 'dimagaz_bc',
          viewCurrent: true,
          fields: [
            {
              ...{ name: 'partner_id', type: 'many2one', label: 'Vendor', relation: 'res.partner' },
              mirrored: true,
              selection: null,
              operators: ['eq', 'ne', 'in', 'like', 'null'],
              sortable: true,
              columns: [
                { name: 'partner_id_id', type: 'bigint' },
                { name: 'partner_id_name', type: 'text' },
              ],
            },
          ],
        },
      ],
      items: [
        {
          ...{ id: 4, at: '2026-01-30T03:00:02.118Z', model: 'dimagaz.bc', field: 'priority', kind: 'added' },
          ...{ old: null, new: { type: 'selection', string: 'Priority' }, runId: 290, reread: true },
        },
      ],
      nextCursor: null,
    },
    parameters: { limit: 50, cursor: 4 },
    problems: [],
  },
  'GET /api/v1/sync/runs': {
    description: 'By descending id, page by page.',
    answer: { items: [run], nextCursor: null },
    parameters: { ...page, status: 'failed', mode: 'full' },
    problems: [],
  },
  'GET /api/v1/sync/runs/{id}': {
    description: 'With `progress`: how many of its BCs are in each state, now.',
    answer: { ...run, progress },
    parameters: { id: 311 },
    problems: ['run_not_found'],
  },
  'POST /api/v1/sync/runs': {
    description: 'The answer comes before the work; Location leads to the run.',
    answer: requested,
    body: { mode: 'full' },
    problems: ['run_in_progress', ...REQUEST_PROBLEMS],
  },
  'GET /api/v1/sync/failures': {
    description:
      'BCs that could not be stored. Later runs offer them again; the first success closes a failure.',
    answer: {
      items: [
        {
          ...{
            id: 12,
            odooId: 42,
            code: 'odoo_access_denied',
            message: 'Odoo refused to read dimagaz.bc 42.',
          },
          ...{ runId: 311, jobId: 'bc-311-42', failures: 2, firstFailedAt: '2026-01-31T07:01:03.000Z' },
          ...{ lastFailedAt: '2026-01-31T08:01:03.000Z', nextAttemptAt: '2026-01-31T08:31:03.000Z' },
        },
      ],
      nextCursor: null,
    },
    parameters: page,
    problems: [],
  },
  'POST /api/v1/sync/failures/{odooId}/retry': {
    description: 'The answer comes before the work; Location leads to the run.',
    answer: requested,
    parameters: { odooId: 42 },
    problems: ['failure_not_found', ...REQUEST_PROBLEMS],
  },
  'GET /api/v1/sync/incidents': {
    description: 'Incidents that are reported by e-mail or webhook, and the state of their delivery.',
    answer: {
      items: [
        {
          ...{ id: 5, kind: 'mirror_stale', subject: 'bclinbc', code: 'mirror_stale' },
          message: 'No run has succeeded since 2026-01-31T07:00:00.000Z.',
          ...{ runId: null, openedAt: '2026-01-31T07:11:00.000Z', resolvedAt: null, deliveries: [] },
        },
      ],
      nextCursor: null,
    },
    parameters: { limit: 50, cursor: 'open-5' },
    problems: [],
  },
  'GET /api/v1/upstreams': {
    description:
      'Odoo as a worker last saw it; Tryton as it was at most 10 s ago. Null if it is not configured.',
    answer: {
      odoo: {
        ...{ version: '19.0', protocol: 'json2', latencyMs: 31, lastError: null },
        lastSuccess: { at: '2026-01-31T08:01:07.000Z', method: 'search_read' },
      },
      tryton: null,
    },
    problems: [],
  },
};
