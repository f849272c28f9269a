import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';

/**
 * A sandbox Odoo in a process of its own. Arguments: BCs, lines of each, characters in the notes of each. It sends its
 * parent one message with its login and size. Then it answers each request by running the action.
 */

/** The actions that the parent can request. */
export interface SandboxActions {
  /** The number of calls since the last request of this kind. */
  calls(): number;
  /** The ids of all BCs. */
  ids(): number[];
  /** Changes the data in ways that no time window of an incremental run covers. */
  change(): SandboxChanges;
  /** Writes the notes of a BC. @returns the time of the commit, in milliseconds since 1970. */
  write(id: number, notes: string): number;
}

export interface SandboxRequest {
  readonly number: number;
  readonly action: keyof SandboxActions;
  readonly args: readonly unknown[];
}

export interface SandboxReply {
  readonly number: number;
  readonly result: unknown;
}

export interface SandboxSize {
  readonly documents: number;
  readonly lines: number;
}

export interface SandboxChanges {
  readonly rewritten: number;
  readonly deleted: number;
  readonly linesDeleted: number;
}

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
/** Before every time window to come. */
const LONG_AGO_MS = 6 * 3_600_000;

/** Commits a transaction that began hours ago. */
function writeLate(sandbox: SandboxOdoo, ids: readonly number[], notes: string): void {
  const late = sandbox.begin(new Date(Date.now() - LONG_AGO_MS));
  late.write(BC, ids, { notes });
  late.commit();
}

/** A late transaction rewrites 1 BC in 100. SQL deletes 1 BC in 200 and 1 line in 100. */
function change(sandbox: SandboxOdoo): SandboxChanges {
  const every = (model: string, step: number, from: number) =>
    sandbox.ids(model).filter((_, index) => index % step === from);
  const rewritten = every(BC, 100, 7);
  writeLate(sandbox, rewritten, 'Written in a transaction that took its time.');
  const deleted = every(BC, 200, 3);
  sandbox.erase(BC, deleted);
  const lines = every(LINE, 100, 11);
  sandbox.erase(LINE, lines);
  return { rewritten: rewritten.length, deleted: deleted.length, linesDeleted: lines.length };
}

const [documents = 0, lines = 0, text = 0] = process.argv.slice(2).map(Number);
const sandbox = await startSandboxOdoo({ documents, lines });
if (text > 0) writeLate(sandbox, sandbox.ids(BC), 'é'.repeat(text));
// The first answer with lines builds an index. With millions of lines that takes seconds, so it is done here.
sandbox.read(BC, sandbox.ids(BC).slice(0, 1));
const actions: SandboxActions = {
  calls: () => sandbox.calls.splice(0).length,
  ids: () => sandbox.ids(BC),
  change: () => change(sandbox),
  write: (id, notes) => {
    sandbox.write(BC, [id], { notes });
    return Date.now();
  },
};
process.on('message', ({ number, action, args }: SandboxRequest) => {
  const run = actions[action] as (...args: readonly unknown[]) => unknown;
  const reply: SandboxReply = { number, result: run(...args) };
  process.send?.(reply);
});
process.on('disconnect', () => process.exit(0));
const { url, db, user, apiKey } = sandbox;
process.send?.({
  login: { url, db, user, password: apiKey },
  size: { documents: sandbox.count(BC), lines: sandbox.count(LINE) },
});
