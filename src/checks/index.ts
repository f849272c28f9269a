/**
 * Checks everything that Passerelle needs: PostgreSQL, Redis, workers, Odoo, Tryton, disk. `passerelle check` prints
 * the list, and the dashboard shows it as the checklist of the first run.
 *
 * Lifecycle: the caller opens the stores and Tryton, and closes them after `close`. Each area is checked beside the
 * others and ends by itself; what cannot be reached is a failed check and no error.
 *
 * Invariants: nothing is changed, neither in the stores nor in Odoo or Tryton; texts contain no secret; a failed check
 * says what to do, in `fix` or in the message of its error.
 *
 * ```ts
 * const checks = new Checks({ config, db, redis, queues, tryton });
 * for (const { outcome, text, fix } of await checks.read()) console.log(outcome, text, fix);
 * ```
 */
import { createOdooClient } from '../odoo/client.ts';
import type { OdooClient } from '../odoo/types.ts';
import { errorMessage } from '../shared/errors.ts';
import { type Area, type Check, type Finding, failed } from './findings.ts';
import { type CheckedStores, checkPostgres, checkRedis, checkWorkers } from './stores.ts';
import { type CheckedUpstreams, checkOdoo, checkTryton } from './upstreams.ts';

export { type Check, check, NO_WORKER } from './findings.ts';

/** A younger list is returned from memory, so that dashboards load neither Odoo nor Tryton. */
const RECENT_MS = 15_000;

type CheckedServers = CheckedStores & Omit<CheckedUpstreams, 'odoo'>;

export class Checks {
  readonly #servers: CheckedServers;
  /** Kept between two rounds, because it pauses after a refused login. */
  #odoo: OdooClient | null = null;
  #running: Promise<Check[]> | null = null;
  #last: { readonly checks: Check[]; readonly at: number } | null = null;

  constructor(servers: CheckedServers) {
    this.#servers = servers;
  }

  /** The checks in the order of their areas, at most 15 s old. Callers at the same time share one round. */
  async read(): Promise<Check[]> {
    if (this.#last !== null && performance.now() - this.#last.at < RECENT_MS) return this.#last.checks;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async close(): Promise<void> {
    await this.#odoo?.close();
  }

  async #run(): Promise<Check[]> {
    const { odoo: settings } = this.#servers.config;
    if (settings !== null) this.#odoo ??= createOdooClient(settings);
    const servers = { ...this.#servers, odoo: this.#odoo };
    const areas = await Promise.all([
      checkArea('postgresql', checkPostgres(servers)),
      checkArea('redis', checkRedis(servers)),
      checkArea('workers', checkWorkers(servers)),
      checkArea('odoo', checkOdoo(servers)),
      checkArea('tryton', checkTryton(servers)),
    ]);
    const checks = areas.flat();
    this.#last = { checks, at: performance.now() };
    return checks;
  }
}

/** The findings of an area up to its first error, which becomes the last one. */
async function checkArea(area: Area, findings: AsyncIterable<Finding>): Promise<Check[]> {
  const found: Check[] = [];
  try {
    for await (const finding of findings) found.push({ area, ...finding });
  } catch (error) {
    found.push({ area, ...failed('connection', errorMessage(error)) });
  }
  return found;
}
