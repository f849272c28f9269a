import { ConfigError, readConfig } from '../src/config.ts';
import { createLogger } from '../src/logger.ts';
import { stopSignal, withResources } from '../src/resources.ts';
import { openMirror } from '../src/sync/open.ts';
import { startWorkers } from './workers.ts';

/** Jobs in progress may finish for this long after SIGTERM; what is cut off is delivered again elsewhere. */
const GRACE_MS = 25_000;

async function main(): Promise<void> {
  const { odoo, ...config } = readConfig();
  const log = createLogger(config.logLevel, 'worker');
  if (odoo === null)
    throw new ConfigError(['ODOO_URL is required: a worker has nothing to do without an Odoo']);
  await withResources(async (defer) => {
    const { mirror, redis } = openMirror({ ...config, odoo }, log, defer);
    const workers = await startWorkers(mirror, { redis, prefix: config.queuePrefix, scheduled: true });
    log.info({ odoo: mirror.odoo.target, model: mirror.definition.model }, 'worker started');
    const signal = await stopSignal();
    log.info({ signal }, 'stopping');
    const deadline = setTimeout(() => process.exit(1), GRACE_MS);
    await workers.stop();
    clearTimeout(deadline);
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof ConfigError ? 2 : 1);
});
