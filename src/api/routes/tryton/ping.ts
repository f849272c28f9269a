import { z } from 'zod';
import type { LastSeen } from '../../../db/upstream-health.ts';
import { errorMessage } from '../../../shared/errors.ts';
import type { TrytonClient } from '../../../tryton/client.ts';
import type { Api, ApiContext } from '../../context.ts';
import { answerWithin, TrytonNotConfiguredError } from '../../errors.ts';
import { moment } from '../../schemas.ts';

/** A younger status is returned from memory, so that dashboards do not load Tryton. */
const RECENT_MS = 10_000;

const count = z.int();
const failure = z.object({ code: z.string(), message: z.string() });

export const trytonReport = z.object({
  reachable: z.boolean().describe('the server answered'),
  authenticated: z.boolean().describe('a call with the session went through'),
  version: z.string().nullable(),
  latencyMs: z.number().nullable().describe('of the call with the session, else of the one without'),
  sessionAgeMs: z.number().nullable(),
  circuit: z
    .object({ open: z.literal(true), until: moment, code: z.string(), reason: z.string() })
    .nullable()
    .describe('not null: a login failed, and none is tried before that moment'),
  error: failure.nullable().describe('what went wrong now'),
  lastSuccess: z.object({ at: moment, method: z.string() }).nullable(),
  lastError: failure.extend({ at: moment, method: z.string() }).nullable(),
  cache: z
    .record(z.string(), z.object({ hit: count, miss: count, stale: count, bypass: count, error: count }))
    .describe('cached calls of this process, by method'),
});
export type TrytonReport = z.output<typeof trytonReport>;

/** Checks Tryton, one check at a time; concurrent callers share the result. */
export class TrytonStatusProbe {
  readonly #tryton: TrytonClient;
  readonly #deps: Pick<ApiContext, 'trytonHealth' | 'log'>;
  #checking: Promise<TrytonReport> | null = null;
  #last: { readonly report: TrytonReport; readonly at: number } | null = null;

  constructor(tryton: TrytonClient, deps: Pick<ApiContext, 'trytonHealth' | 'log'>) {
    this.#tryton = tryton;
    this.#deps = deps;
  }

  check(): Promise<TrytonReport> {
    this.#checking ??= this.#ping().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  /** The last status, if it is younger than 10 s. */
  async cached(): Promise<TrytonReport> {
    if (this.#last !== null && performance.now() - this.#last.at < RECENT_MS) return this.#last.report;
    return this.check();
  }

  async #ping(): Promise<TrytonReport> {
    const { circuit, ...found } = await this.#tryton.ping();
    const { success, error } = await lastSeen(this.#deps);
    const report = {
      ...found,
      circuit: circuit && { ...circuit, open: true as const, until: new Date(circuit.until) },
      lastSuccess: success,
      lastError: error,
      cache: this.#tryton.cacheCounters(),
    };
    this.#last = { report, at: performance.now() };
    return report;
  }
}

async function lastSeen({ trytonHealth, log }: Pick<ApiContext, 'trytonHealth' | 'log'>): Promise<LastSeen> {
  const unknown = { success: null, error: null };
  if (trytonHealth === null) return unknown;
  try {
    return await answerWithin(trytonHealth.read(), 'PostgreSQL');
  } catch (error) {
    log.warn({ reason: errorMessage(error) }, 'tryton_health cannot be read for now');
    return unknown;
  }
}

const report = trytonReport.meta({
  examples: [
    {
      reachable: true,
      authenticated: true,
      version: '7.0.30',
      latencyMs: 12,
      sessionAgeMs: 86_000,
      circuit: null,
      error: null,
      lastSuccess: { at: '2026-11-21T08:00:00.000Z', method: 'model.party.party.read' },
      lastError: null,
      cache: { 'model.party.party.fields_get': { hit: 9, miss: 1, stale: 0, bypass: 0, error: 0 } },
    },
  ],
});

export function trytonPingRoute(api: Api, trytonStatus: TrytonStatusProbe | null): void {
  api.get(
    '/api/v1/tryton/ping',
    {
      config: { scope: 'tryton:call', mirror: 'none', problems: ['tryton_not_configured'] },
      schema: {
        tags: ['tryton'],
        summary:
          'Whether Tryton is reachable and accepts the login, the response time, and its last known state',
        description:
          'The status is always 200, also if Tryton is down: check `reachable` and `authenticated`. lastSuccess and ' +
          'lastError survive a restart; both are null if PostgreSQL is down.',
        response: { 200: report },
      },
    },
    async () => {
      if (trytonStatus === null) throw new TrytonNotConfiguredError();
      return trytonStatus.check();
    },
  );
}
