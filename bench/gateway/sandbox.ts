import { startSandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';

const SALES = 300;

/** The message to the parent once the sandbox listens. */
export interface SandboxReady {
  /** The database's own URL. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/** A sandbox Tryton in a process of its own, connections kept open as a proxy before Tryton does. */
const { url, user, password } = await startSandboxTryton({ sales: SALES, keepAlive: true });
process.on('disconnect', () => process.exit(0));
const ready: SandboxReady = { url, user, password };
process.send?.(ready);
