import { passerelle } from '../cli/passerelle.ts';
import { openFolders } from './folders.ts';
import type { WrongServers } from './wrong-servers.ts';

type Env = Readonly<Record<string, string>>;
/** The output so far. */
type Said = () => string;

export interface Attempt {
  readonly tried: string;
  readonly message: () => Promise<Said>;
  /** Parts of the message: the place of the problem, the problem, and the advice. */
  readonly says: readonly [where: RegExp, what: RegExp, todo: RegExp];
}

/** The ways to try a configuration. The servers are asked for when a test runs. */
export function openAttempts(servers: () => WrongServers) {
  const folders = openFolders();
  /** A complete, right configuration. */
  const right = () => servers().setup.env;
  const stores = () => {
    const { DATABASE_URL = '', REDIS_URL = '', QUEUE_PREFIX = '' } = right();
    return { DATABASE_URL, REDIS_URL, QUEUE_PREFIX };
  };
  const gateway = () => {
    const { url, user, password } = servers().tryton;
    return { TRYTON_RPC_URL: url, TRYTON_USER: user, TRYTON_PASSWORD: password, TRYTON_RETRIES: '0' };
  };
  /** A command in this process. */
  const command = async (env: Env, ...argv: string[]): Promise<Said> => {
    const { stdout, stderr } = await passerelle(argv, env);
    return () => `${stdout}${stderr}`.trim();
  };
  const status = (wrong: Env) => command({ ...right(), ...wrong }, 'status');
  return {
    command,
    right,
    stores,
    status,
    verify: (wrong: Env) => command({ ...right(), ...wrong }, 'verify'),
    ping: (wrong: Env) => command({ ...gateway(), ...wrong }, 'tryton', 'ping'),
    /** A part of DATABASE_URL that is wrong. */
    database: (part: 'password' | 'port' | 'hostname' | 'pathname', wrong: string) => {
      const url = new URL(stores().DATABASE_URL);
      url[part] = wrong;
      return status({ DATABASE_URL: url.href });
    },
    /** A process in a folder with this `.env`; only the stores are in its environment. */
    inFolder: async (
      which: 'api' | 'worker' | 'command',
      file: string | null,
      env: Env = {},
      ...argv: string[]
    ): Promise<Said> => (await folders.start(which, file, { ...stores(), ...env }, argv)).said,
    /** A process with a complete configuration. */
    processWith: async (which: 'api' | 'worker', wrong: Env): Promise<Said> => {
      const env = { ...right(), PORT: '0', LOG_LEVEL: 'info', ...wrong };
      return (await folders.start(which, undefined, env)).said;
    },
    close: () => folders.close(),
  };
}
