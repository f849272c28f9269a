import type { SandboxOdoo } from '../sandbox-odoo/sandbox.ts';
import type { Address } from './api.ts';
import type { Stage } from './stage.ts';

const HEADER = 'dimagaz.bc';
/** By then tries by themselves have failed after one minute and after three: until the next there is time to press Retry. */
export const BROKEN_MS = 200_000;

/** A BC that Odoo refuses to give out for a while, as a record rule would. */
export interface BrokenBc {
  readonly id: number;
  readonly name: string;
}

/** An old one, which no window reads again by itself, and not the one that the text shows. Null where there is no other. */
export function chooseBroken(sandbox: SandboxOdoo, shown: number): BrokenBc | null {
  const id = sandbox.ids(HEADER).find((one) => one !== shown);
  return id === undefined ? null : { id, name: String(sandbox.record(HEADER, id)['name']) };
}

/** Breaks it, asks for it, which fails, and mends it when its time is over. */
export async function breakForAWhile(
  { defer }: Stage,
  sandbox: SandboxOdoo,
  { id }: BrokenBc,
  { url, key }: Address,
): Promise<void> {
  const mend = sandbox.faults.denyRecord(HEADER, id);
  const timer = setTimeout(mend, BROKEN_MS).unref();
  defer(() => clearTimeout(timer));
  await fetch(`${url}/api/v1/bc/${id}/resync`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
  });
}
