import { randomBytes } from 'node:crypto';
import { type MirrorConfig, readMirrorConfig } from '../../src/config/index.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of an Odoo; empty means unset. */
interface OdooVariables {
  readonly ODOO_URL: string;
  readonly ODOO_DB: string;
  readonly ODOO_USER: string;
  readonly ODOO_PASSWORD: string;
}

/** The sandbox has the default models, whatever the environment sets for another Odoo. */
const SANDBOX_MODELS = { ODOO_MODEL: '', ODOO_LINE_MODEL: '', ODOO_LINES_FIELD: '' };

/** Placeholders for values that are unknown before the start. */
const LATER = { DATABASE_URL: 'postgres://later', REDIS_URL: 'redis://later' };
const ODOO_LATER = { ODOO_URL: 'http://later', ODOO_DB: '-', ODOO_USER: '-', ODOO_PASSWORD: '-' };

/** The environment of the demo: the given variables, and its own defaults for some others. */
export function demoEnvironment(given: Environment): Environment {
  return {
    ...given,
    SYNC_EVERY: given['SYNC_EVERY'] || '15s',
    // Its own, so that workers on a given Redis do not take its jobs.
    QUEUE_PREFIX: given['QUEUE_PREFIX'] || `passerelle-demo-${randomBytes(4).toString('hex')}`,
    ADMIN_PASSWORD: given['ADMIN_PASSWORD'] || randomBytes(4).toString('hex'),
  };
}

export function isSet(environment: Environment, name: string): boolean {
  return (environment[name] ?? '') !== '';
}

/**
 * Reads the settings before anything starts, so that an invalid one is reported at once.
 *
 * @throws ConfigError
 */
export function checkSettings(environment: Environment): MirrorConfig {
  const odoo = isSet(environment, 'ODOO_URL') ? {} : withSandbox(environment, ODOO_LATER);
  return readMirrorConfig({ ...environment, ...odoo }, LATER);
}

/** The settings of a Tryton. */
export interface TrytonVariables {
  readonly TRYTON_RPC_URL: string;
  readonly TRYTON_USER: string;
  readonly TRYTON_PASSWORD: string;
}

export function withSandbox(environment: Environment, odoo: OdooVariables): Environment {
  return { ...environment, ...odoo, ...SANDBOX_MODELS };
}

/**
 * The lines of a file that a shell can source to use the mirror, the Tryton and the API of the demo. It contains the
 * demo's own settings too: with another SYNC_BINARIES, `passerelle verify` would report differences.
 */
export function shellExports(environment: Environment): string {
  return Object.entries(environment)
    .filter(
      ([name, value]) =>
        /^(DATABASE_URL|REDIS_URL|QUEUE_PREFIX|SMTP_URL|PASSERELLE_KEY|(ODOO|TRYTON|SYNC|SWEEP|RETAIN|ALERT)_\w+)$/.test(
          name,
        ) && value,
    )
    .map(([name, value]) => `export ${name}='${value?.replaceAll("'", `'\\''`)}'\n`)
    .join('');
}
