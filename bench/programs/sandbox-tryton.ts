import { startSandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';

/** A sandbox Tryton in a process of its own. It keeps connections open, as a proxy in front of Tryton does. */

const SALES = 300;

/** The message to the parent when the sandbox listens. */
export interface SandboxTrytonReady {
  /** The URL of the database. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

const { url, user, password } = await startSandboxTryton({ sales: SALES, keepAlive: true });
process.on('disconnect', () => process.exit(0));
const ready: SandboxTrytonReady = { url, user, password };
process.send?.(ready);
