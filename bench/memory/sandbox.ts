import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';

/** A sandbox Odoo in a process of its own, so that its memory is measured separately. Its parent sends it messages. */
export type SandboxRequest = 'change' | 'calls';

export type SandboxReply =
  | { readonly kind: 'ready'; readonly login: Record<string, string>; readonly size: SandboxSize }
  | { readonly kind: 'changed'; readonly size: SandboxSize; readonly changes: SandboxChanges }
  /** Calls since the last time it was asked. */
  | { readonly kind: 'calls'; readonly calls: number };

export interface SandboxSize {
  readonly documents: number;
  readonly lines: number;
}

/** Changes of the data that no window can see. */
export interface SandboxChanges {
  readonly rewritten: number;
  readonly deleted: number;
  readonly linesDeleted: number;
}

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
/** Before every window to come. */
const LONG_AGO_MS = 6 * 3_600_000;

const longAgo = () => new Date(Date.now() - LONG_AGO_MS);
const sizeOf = (sandbox: SandboxOdoo): SandboxSize => ({
  documents: sandbox.count(BC),
  lines: sandbox.count(LINE),
});

/** A transaction that commits hours after it began rewrites 1 BC in 100; 1 in 200, and 1 line in 100, go by SQL. */
function change(sandbox: SandboxOdoo): SandboxChanges {
  const every = (model: string, step: number, from: number) =>
    sandbox.ids(model).filter((_, index) => index % step === from);
  const rewritten = every(BC, 100, 7);
  const late = sandbox.begin(longAgo());
  late.write(BC, rewritten, { notes: 'Written in a transaction that took its time.' });
  late.commit();
  const deleted = every(BC, 200, 3);
  sandbox.erase(BC, deleted);
  const lines = every(LINE, 100, 11);
  sandbox.erase(LINE, lines);
  return { rewritten: rewritten.length, deleted: deleted.length, linesDeleted: lines.length };
}

async function serve(documents: number, lines: number, text: number): Promise<void> {
  const sandbox = await startSandboxOdoo({ documents, lines });
  if (text > 0) {
    const late = sandbox.begin(longAgo());
    late.write(BC, sandbox.ids(BC), { notes: 'é'.repeat(text) });
    late.commit();
  }
  // The first answer with lines builds an index, which takes seconds where there are millions of them.
  sandbox.read(BC, sandbox.ids(BC).slice(0, 1));
  const { url, db, user, apiKey } = sandbox;
  const login = { ODOO_URL: url, ODOO_DB: db, ODOO_USER: user, ODOO_PASSWORD: apiKey };
  const reply = (message: SandboxReply) => process.send?.(message);
  process.on('message', (request: SandboxRequest) => {
    if (request === 'calls') reply({ kind: 'calls', calls: sandbox.calls.splice(0).length });
    else {
      const changes = change(sandbox);
      reply({ kind: 'changed', changes, size: sizeOf(sandbox) });
    }
  });
  process.on('disconnect', () => process.exit(0));
  reply({ kind: 'ready', login, size: sizeOf(sandbox) });
}

const [documents = 0, lines = 0, text = 0] = process.argv.slice(2).map(Number);
await serve(documents, lines, text);
