import { afterAll, beforeAll, describe } from 'vitest';
import { TRYTON_VERSIONS } from '../../dev/sandbox-tryton/models/fields.ts';
import type { SandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';
import { trytonContract } from './tryton.ts';

/** The sandbox must not be able to lie: it stands the suite that real servers stand. */
describe.each(TRYTON_VERSIONS)('sandbox Tryton %s', (version) => {
  let sandbox: SandboxTryton | undefined;
  beforeAll(async () => {
    sandbox = await startSandboxTryton({ version });
  });
  afterAll(() => sandbox?.stop());

  trytonContract('keeps the contract', () => {
    if (sandbox === undefined) throw new Error('the sandbox is started by a hook');
    return sandbox;
  });
});
