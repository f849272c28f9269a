import type { OwnProcess } from './own-process.ts';
import { startProcess } from './own-process.ts';
import { waitFor } from './wait-for.ts';

export interface ApiProcess extends OwnProcess {
  /** Its URL, once it listens; its output if it ended instead. */
  listening(): Promise<string>;
}

/** The password of the admin pages of `startApiProcess`, if `env` sets no other. */
export const ADMIN_PASSWORD = 'of-the-tests';

/** The API in a process of its own, on a free port. The caller ends it. */
export function startApiProcess(env: Readonly<Record<string, string>>): ApiProcess {
  const started = startProcess('src/server', { PORT: '0', ADMIN_PASSWORD, ...env });
  const { child, output } = started;
  return {
    ...started,
    listening: () =>
      waitFor(
        () => /"url":"([^"]+)"/.exec(output())?.[1] ?? (child.exitCode !== null && output()),
        'the API to listen',
      ),
  };
}
