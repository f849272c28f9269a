import { afterAll, beforeAll, describe } from 'vitest';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { odooContract } from './odoo.ts';

/** The data of the seeder for a real Odoo, and a carriage return. */
const ODD_TEXTS = [
  'Caractère de contrôle collé depuis un vieux logiciel : \u000b et \u001f, puis la suite.',
  'Balises <b>à garder</b> & esperluette, ]]> compris 🙂\r\n\rfin',
];

/** The sandbox must not be able to lie: it stands the suite that real servers stand. */
describe.each([
  ['19.0', ['xmlrpc', 'jsonrpc', 'json2']],
  ['14.0', ['xmlrpc', 'jsonrpc']],
] as const)('sandbox %s', (version, protocols) => {
  let sandbox: SandboxOdoo | undefined;
  beforeAll(async () => {
    sandbox = await startSandboxOdoo({ version, documents: 400 });
    for (const notes of ODD_TEXTS) sandbox.create('dimagaz.bc', { name: 'BC/ODD', notes });
  });
  afterAll(() => sandbox?.stop());

  odooContract('keeps the contract', {
    protocols,
    coordinates: () => {
      if (sandbox === undefined) throw new Error('the sandbox is started by a hook');
      return sandbox;
    },
  });
});
