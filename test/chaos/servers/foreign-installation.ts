import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { SandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { onServer } from '../../support/server.ts';
import { otherOdoo, settingsOf } from '../../sync/source/source-setup.ts';
import { pause } from '../pace.ts';
import type { ScenarioSetup } from './scenario-setup.ts';
import { ended, spawnWorker } from './worker-processes.ts';

/** Every BC of `otherOdoo` has such a name, and the ids of those of the first Odoo. */
const OTHER = 'OTHER-';

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
    this.#env = { ...env, ...settingsOf(odoo), DATABASE_URL: databaseUrl };
    this.#logFile = join(logs, 'foreign-worker.log');
  }

  /** @param env the environment of the first installation. */
  static async open(
    setup: ScenarioSetup,
    env: Readonly<Record<string, string>>,
    logs: string,
  ): Promise<ForeignInstallation> {
    const odoo = await otherOdoo({ documents: 60 });
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
        where not starts_with(coalesce(fields->>'name', ''), ${OTHER})`,
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
