import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type SandboxOdoo, startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { onServer } from '../../support/server.ts';
import { BC, LINE } from '../odoo/history.ts';
import type { ScenarioSetup } from './scenario-setup.ts';
import { ended, spawnWorker } from './worker-processes.ts';

/** Every name of the other Odoo begins with it. */
export const FOREIGN = 'FOREIGN';

/** Starts an Odoo with other contents under the same ids. */
export async function startForeignOdoo(): Promise<SandboxOdoo> {
  const odoo = await startSandboxOdoo({ documents: 60, seed: 999_983, db: 'foreign' });
  for (const model of [BC, LINE])
    for (const id of odoo.ids(model)) odoo.write(model, [id], { name: `${FOREIGN}-${id}` });
  return odoo;
}

/** The variables that name an Odoo. */
export function odooVariables(odoo: SandboxOdoo): Record<string, string> {
  return { ODOO_URL: odoo.url, ODOO_DB: odoo.db, ODOO_USER: odoo.user, ODOO_PASSWORD: odoo.apiKey };
}

/** Exit code of a process whose queues belong to another installation. */
const REFUSED = 2;

/** The pause of its supervisor between two starts. */
const RESTART_MS = 300;

/** A second installation with an Odoo and a database of its own, on the Redis and the prefix of the first. */
export class ForeignInstallation {
  refusals = 0;
  readonly problems: string[] = [];
  readonly #odoo: SandboxOdoo;
  readonly #databaseUrl: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #logFile: string;
  #child: ChildProcess | null = null;
  #supervision: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(
    odoo: SandboxOdoo,
    databaseUrl: string,
    env: Readonly<Record<string, string>>,
    logs: string,
  ) {
    this.#odoo = odoo;
    this.#databaseUrl = databaseUrl;
    this.#env = { ...env, ...odooVariables(odoo), DATABASE_URL: databaseUrl };
    this.#logFile = join(logs, 'foreign-worker.log');
  }

  /** @param env the environment of the first installation. */
  static async open(
    setup: ScenarioSetup,
    env: Readonly<Record<string, string>>,
    logs: string,
  ): Promise<ForeignInstallation> {
    const odoo = await startForeignOdoo();
    const databaseUrl = await setup.freshDatabase(`${env['QUEUE_PREFIX']}_foreign`);
    return new ForeignInstallation(odoo, databaseUrl, env, logs);
  }

  /** Starts its worker, and again whenever it ends. */
  start(): void {
    this.#supervision = this.#supervise();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#child !== null) await ended(this.#child, 'SIGKILL');
    await this.#supervision;
    await this.#odoo.stop();
  }

  /** Documents of the first installation in this one's database. Call it while PostgreSQL answers. */
  async documentsOfOthers(): Promise<string[]> {
    const rows = await onServer(
      this.#databaseUrl,
      (sql) => sql<{ odoo_id: string; name: string }[]>`
        select odoo_id, fields->>'name' as name from scrap_dimagaz_bc
        where not starts_with(coalesce(fields->>'name', ''), ${FOREIGN})`,
    );
    return rows.map(
      ({ odoo_id: id, name }) => `the second installation stores BC ${id} (${name}) of the first`,
    );
  }

  async #supervise(): Promise<void> {
    while (!this.#stopped) {
      const child = spawnWorker(this.#env, this.#logFile);
      this.#child = child;
      const code = await new Promise<number | null>((done) => child.once('exit', done));
      if (code === REFUSED) this.refusals += 1;
      else if (!this.#stopped) this.problems.push(`the second installation ended by itself with ${code}`);
      await pause(RESTART_MS);
    }
  }
}
