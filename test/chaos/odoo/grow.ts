import type { Random } from '../../../dev/sandbox-odoo/random.ts';
import type { SandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { BC, LINE } from './history.ts';

/** Makes some of the generated BCs large: hundreds of lines, or a scan of up to a megabyte. */
export function growDocuments(odoo: SandboxOdoo, random: Random): void {
  const ids = odoo.ids(BC);
  const some = () => ids[random.between(0, ids.length - 1)] ?? 1;
  const transaction = odoo.begin();
  for (let large = 3; large > 0; large -= 1) {
    const bc = some();
    for (let line = random.between(100, 500); line > 0; line -= 1)
      transaction.create(LINE, { bc_id: bc, name: `ligne ${line}`, quantity: line, price_unit: 1.5 });
  }
  for (let scanned = 8; scanned > 0; scanned -= 1) {
    const scan = Buffer.alloc(random.between(1000, 1_000_000), `${random.between(1e8, 9e8)} `).toString(
      'base64',
    );
    transaction.write(BC, [some()], { scan });
  }
  transaction.commit();
}
