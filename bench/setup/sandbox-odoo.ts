import type { Workspace } from '../../src/embedded/workspace.ts';
import type { OdooProtocol } from '../../src/odoo/types.ts';
import type { Context } from '../context.ts';
import type { SandboxActions, SandboxReply, SandboxRequest, SandboxSize } from '../programs/sandbox-odoo.ts';
import type { Environment } from './processes.ts';
import { startHelper } from './processes.ts';

/** Where an Odoo is, and the user. */
export interface OdooLogin {
  readonly url: string;
  readonly db: string;
  readonly user: string;
  /** Password or API key. The key of the sandbox works by every protocol. */
  readonly password: string;
}

interface SandboxOptions {
  /** Number of BCs. */
  readonly documents: number;
  /** Lines of a BC, on average. */
  readonly lines: number;
  /** Characters in the notes of each BC; 0 for a few words. */
  readonly text: number;
}

/** A sandbox Odoo in a process of its own, because its work must not share a thread with the measured code. */
export interface SandboxOdoo {
  readonly login: OdooLogin;
  readonly size: SandboxSize;
  readonly call: <Name extends keyof SandboxActions>(
    action: Name,
    ...args: Parameters<SandboxActions[Name]>
  ) => Promise<ReturnType<SandboxActions[Name]>>;
}

/**
 * In MB. A million BCs take 5 GB, more than Node's own limit. With a small young generation, answers in progress get
 * promoted, and each later collection of the old generation takes seconds.
 */
const MEMORY = ['--max-old-space-size=16384', '--max-semi-space-size=128'];

const DEFAULTS = { lines: 5, text: 0 };

/** Starts a sandbox Odoo with these data. */
export async function startSandboxOdoo(
  context: Context,
  workspace: Workspace,
  options: Partial<SandboxOptions> & Pick<SandboxOptions, 'documents'>,
): Promise<SandboxOdoo> {
  const { documents, lines, text } = { ...DEFAULTS, ...options };
  const { child, ready } = await startHelper<Pick<SandboxOdoo, 'login' | 'size'>>(context, workspace, {
    ...{ name: 'sandbox-odoo', module: 'bench/programs/sandbox-odoo.ts', flags: MEMORY },
    args: [documents, lines, text].map(String),
  });
  let sent = 0;
  const call: SandboxOdoo['call'] = (action, ...args) => {
    sent += 1;
    const request: SandboxRequest = { number: sent, action, args };
    const result = new Promise<ReturnType<SandboxActions[typeof action]>>((resolve) => {
      const receive = (reply: SandboxReply) => {
        if (reply.number !== request.number) return;
        child.off('message', receive);
        resolve(reply.result as ReturnType<SandboxActions[typeof action]>);
      };
      child.on('message', receive);
    });
    child.send(request);
    return context.ending.before(result);
  };
  return { ...ready, call };
}

/** The settings of a worker for this Odoo. */
export function odooSettings({ url, db, user, password }: OdooLogin, protocol?: OdooProtocol): Environment {
  const login = { ODOO_URL: url, ODOO_DB: db, ODOO_USER: user, ODOO_PASSWORD: password };
  return protocol === undefined ? login : { ...login, ODOO_PROTOCOL: protocol };
}
