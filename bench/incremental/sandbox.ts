import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';

/** A sandbox Odoo in a process of its own, whose parent has BCs written. */
export interface WriteRequest {
  readonly id: number;
  readonly notes: string;
}

export type WritingSandboxReply =
  | {
      readonly kind: 'ready';
      readonly login: Readonly<Record<string, string>>;
      readonly ids: readonly number[];
    }
  /** `at`: milliseconds since 1970, when it was committed. */
  | { readonly kind: 'written'; readonly notes: string; readonly at: number };

const BC = 'dimagaz.bc';

async function serve(documents: number): Promise<void> {
  const sandbox = await startSandboxOdoo({ documents });
  const { url, db, user, apiKey } = sandbox;
  const reply = (message: WritingSandboxReply) => process.send?.(message);
  process.on('message', ({ id, notes }: WriteRequest) => {
    sandbox.write(BC, [id], { notes });
    reply({ kind: 'written', notes, at: Date.now() });
  });
  process.on('disconnect', () => process.exit(0));
  const login = { ODOO_URL: url, ODOO_DB: db, ODOO_USER: user, ODOO_PASSWORD: apiKey };
  reply({ kind: 'ready', login, ids: sandbox.ids(BC) });
}

await serve(Number(process.argv[2]));
