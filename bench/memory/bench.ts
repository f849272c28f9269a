import { count, type Ending, type Screen } from '../../dev/demo/context.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import { machine } from '../frame/section.ts';
import { startServers } from '../frame/servers.ts';
import type { Phase } from './figures.ts';
import { megabytes } from './figures.ts';
import { runPhase, verifyPhase } from './phases.ts';
import type { SandboxChanges, SandboxSize } from './sandbox.ts';
import { setStage, startSandbox } from './stage.ts';

export interface MemoryOptions {
  readonly documents: number;
  /** Average for a BC. */
  readonly lines: number;
  /** Characters in the notes of each BC; 0: a few words. */
  readonly text: number;
  readonly workers: number;
}

export interface MemoryResult extends SandboxSize {
  readonly machine: string;
  readonly workers: number;
  readonly changes: SandboxChanges;
  readonly phases: readonly Phase[];
  /** The most that Redis used at any moment, by its own account, in MB. */
  readonly redisPeak: number;
}

/** The whole benchmark. @throws BenchFailedError when something was not mirrored as it has to be. */
export async function benchMemory(
  options: MemoryOptions,
  ending: Ending,
  screen: Screen,
): Promise<MemoryResult> {
  return withResources(async (defer) => {
    const bare = { ending, screen, defer };
    const servers = await startServers(bare);
    const sandbox = await startSandbox(bare, servers.workspace, options);
    const stage = await setStage(bare, servers, sandbox, options);
    const { watch } = stage;
    const { documents, lines } = sandbox.size;
    screen.line(`A sandbox Odoo with ${count(documents)} BC and ${count(lines)} lines; ${machine()}`);
    const phases = [
      await runPhase(stage, 'full', 'full', { created: documents }),
      await runPhase(stage, 'incremental, nothing to do', 'incremental', { created: 0, updated: 0 }),
      await runPhase(stage, 'sweep, nothing to do', 'sweep', { seen: 0 }),
    ];
    const { changes } = await sandbox.change();
    const archived = changes.deleted;
    phases.push(await runPhase(stage, 'sweep after changes', 'sweep', { archived, created: 0 }));
    phases.push(await verifyPhase(stage));
    const redisPeak = megabytes(await watch.redisPeak());
    return { machine: machine(), documents, lines, workers: options.workers, changes, phases, redisPeak };
  });
}
