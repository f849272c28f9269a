import { Histogram, type Registry } from 'prom-client';

/** In seconds: from an answer from memory to a call that times out. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

interface Called {
  /** For Odoo: the mirror that the call was for. */
  readonly mirror?: string;
  readonly server: 'odoo' | 'tryton';
  readonly method: string;
  readonly ms: number;
  /** The code of the error; null after a success. */
  readonly code: string | null;
}

/** @param own labels that the process has beside those of every process. */
export function callMetrics(registry: Registry, ...own: 'mirror'[]): (call: Called) => void {
  const duration = new Histogram({
    name: 'passerelle_rpc_duration_seconds',
    help:
      'Time of one call: for Odoo of each attempt, for Tryton with its retries (cached answers are not counted). ' +
      'The outcome is "success" or the code of the error.',
    labelNames: [...own, 'server', 'method', 'outcome'],
    buckets: BUCKETS,
    registers: [registry],
  });
  return ({ server, method, ms, code, ...labels }) => {
    const outcome = code ?? 'success';
    duration.observe({ ...labels, server, method: LABELS[server](method), outcome }, ms / 1000);
  };
}

const TRYTON_VERBS = new Set([
  ...['read', 'search', 'search_read', 'search_count', 'fields_get', 'default_get', 'browse', 'autocomplete'],
  ...['create', 'write', 'delete', 'copy', 'import_data', 'export_data'],
]);
const TRYTON_SERVICES = new Set(['model', 'wizard', 'report', 'common', 'system']);

/** Callers of the gateway choose method names, so only known names become labels. */
const LABELS = {
  odoo: (method: string) => method,
  tryton: (method: string) => {
    if (method === 'common.db.login' || method === 'common.server.version') return method;
    const [service = '', ...rest] = method.split('.');
    const verb = rest.at(-1) ?? '';
    if (!TRYTON_SERVICES.has(service)) return 'other';
    return `${service}.*.${TRYTON_VERBS.has(verb) ? verb : 'other'}`;
  },
} as const;
