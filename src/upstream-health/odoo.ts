import type { OdooConfig } from '../config/index.ts';
import type { Database } from '../db/client.ts';
import { type OdooConnectionStats, recordOdooHealth } from '../db/upstream-health.ts';
import type { OdooCall } from '../odoo/call-limiter.ts';
import type { OdooServer } from '../odoo/types.ts';
import { createRedactor, type Redactor } from '../shared/redact.ts';
import { type HealthLog, LastSeenRecorder } from './recorder.ts';

/** The key of an Odoo in `odoo_health`: `mirror@https://odoo.example.com/prod`. It contains no secret. */
export function odooTarget({ url, db, user }: Pick<OdooConfig, 'url' | 'db' | 'user'>): string {
  const { origin, pathname } = new URL(url);
  return `${user}@${origin}${pathname.replace(/\/+$/, '')}/${db}`;
}

const MINUTE_MS = 60_000;
/** Maximum of calls per minute that are evaluated; the newest are enough. */
const MAX_CALLS = 1000;

/** Errors caused by a single record or field. They do not affect the health of Odoo. */
const RECORDS_OWN: ReadonlySet<string> = new Set(['odoo_application_error', 'odoo_unknown_field']);

/**
 * Stores in `odoo_health` how this process last saw Odoo; see `Recorder` for the times of writing. Only faults of Odoo
 * or of the network count as errors, not a record that Odoo cannot read, and not a protocol that was only probed.
 */
export class OdooHealthRecorder {
  readonly #recorder: LastSeenRecorder;
  readonly #hide: Redactor;
  readonly #recent: { readonly at: number; readonly ms: number }[] = [];
  #server: Pick<OdooServer, 'version' | 'protocol'> | null = null;

  constructor(db: Database, config: OdooConfig, log: HealthLog) {
    const target = odooTarget(config);
    this.#hide = createRedactor([config.password]);
    this.#recorder = new LastSeenRecorder({
      table: 'odoo_health',
      log,
      write: (news) => recordOdooHealth(db, target, news, this.#manner()),
    });
  }

  /** Records a call that has ended. Returns at once and never fails. */
  observe({ method, model, ms, code, message = '', isProbe }: OdooCall): void {
    const name = model === undefined ? method : `${model}.${method}`;
    if (code === undefined) {
      this.#recent.push({ at: performance.now(), ms });
      if (this.#recent.length > MAX_CALLS) this.#recent.shift();
      this.#recorder.succeeded(name);
    } else if (!isProbe && !RECORDS_OWN.has(code)) {
      this.#recorder.failed(name, { code, message: this.#hide(message) });
    }
  }

  /** Version and protocol of the server. */
  connected({ version, protocol }: OdooServer): void {
    this.#server = { version, protocol };
  }

  close(): Promise<void> {
    return this.#recorder.close();
  }

  #manner(): OdooConnectionStats {
    const since = performance.now() - MINUTE_MS;
    const times = this.#recent.filter(({ at }) => at >= since).map(({ ms }) => ms);
    const middle = times.sort((one, other) => one - other)[Math.floor(times.length / 2)];
    return {
      version: this.#server?.version ?? null,
      protocol: this.#server?.protocol ?? null,
      latencyMs: middle === undefined ? null : Math.round(middle),
    };
  }
}
