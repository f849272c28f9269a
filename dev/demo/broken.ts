import type { SandboxOdoo } from '../sandbox-odoo/sandbox.ts';
import type { Stage } from './stage.ts';

const HEADER = 'dimagaz.bc';
/** By then a few tries have failed and the next one by itself is minutes away: there is time to press Retry. */
export const BROKEN_MS = 180_000;

/** A BC that Odoo refuses to give out for a while, as a record rule would. */
export interface BrokenBc {
  readonly id: number;
  readonly name: string;
}

/** One that is not the BC the text shows; null where there is no other. */
export function chooseBroken(sandbox: SandboxOdoo, shown: number): BrokenBc | null {
  const id = sandbox.ids(HEADER).findLast((one) => one !== shown);
  if (id === undefined) return null;
  return { id, name: String(sandbox.record(HEADER, id)['name']) };
}

/** Breaks it now, changes it so that the next run wants it, and mends it when its time is over. */
export function breakForAWhile({ defer }: Stage, sandbox: SandboxOdoo, { id }: BrokenBc): void {
  sandbox.write(HEADER, [id], { notes: 'Somebody took our right to read this one.' });
  const mend = sandbox.faults.denyRecord(HEADER, id);
  const timer = setTimeout(mend, BROKEN_MS).unref();
  defer(() => clearTimeout(timer));
}
