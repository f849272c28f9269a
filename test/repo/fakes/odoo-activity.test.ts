import { expect, it } from 'vitest';
import { simulateActivity } from '../../../dev/sandbox-odoo/activity.ts';
import { type SandboxOdoo, startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { waitFor } from '../../support/wait-for.ts';

const snapshot = (sandbox: SandboxOdoo) =>
  ['dimagaz.bc', 'dimagaz.bc.line'].flatMap((model) =>
    sandbox.ids(model).map((id) => [model, id, sandbox.record(model, id)['write_date']]),
  );

it('keeps changing the data until it is stopped', async () => {
  const [sandbox, other] = [
    await startSandboxOdoo({ documents: 50 }),
    await startSandboxOdoo({ documents: 50 }),
  ];
  const before = snapshot(sandbox);
  const [setup, neighbour] = [
    simulateActivity(sandbox, { everyMs: 1 }),
    simulateActivity(other, { everyMs: 1 }),
  ];
  await waitFor(() => setup.changes >= 60, 'sixty changes');
  setup.stop();
  const after = snapshot(sandbox);
  expect(after).not.toEqual(before);
  const sofar = neighbour.changes;
  await waitFor(() => neighbour.changes >= sofar + 20, 'twenty changes next door');
  expect(snapshot(sandbox)).toEqual(after);
  neighbour.stop();
  await Promise.all([sandbox.stop(), other.stop()]);
});
