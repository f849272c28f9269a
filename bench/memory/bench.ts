import { count } from '../../dev/demo/context.ts';
import type { Context } from '../context.ts';
import type { SandboxChanges, SandboxSize } from '../programs/sandbox-odoo.ts';
import { ENVIRONMENT_HELP, exitCodeOf, wholeNumber } from '../reporting/command.ts';
import { machine } from '../reporting/figures.ts';
import { alignColumns } from '../reporting/tables.ts';
import { startSandboxOdoo } from '../setup/sandbox-odoo.ts';
import { startServers } from '../setup/servers.ts';
import type { Phase } from './phases.ts';
import { megabytes, openMonitoredMirror, runPhase, verifyPhase } from './phases.ts';

const HELP = `npm run bench:memory [-- OPTIONS]

Measures the memory that the mirror needs. It starts a sandbox Odoo, PostgreSQL and Redis. Then it measures a full sync,
an incremental sync and a sweep with nothing to do, a sweep after late changes and deletions, and a verify. It reads the
memory of the workers and of Redis at least once a second. Progress goes to standard error, the table to standard output.

  --documents N    BCs in the sandbox (10000)
  --lines N        lines of a BC, on average (5)
  --text N         characters in the notes of each BC, instead of a few words (0)
  --workers N      worker processes (1); the table shows the largest of them
  --json           print one JSON object instead of the table
  --help           this text

Optional environment: ODOO_PROTOCOL, ${ENVIRONMENT_HELP}

Exit codes: 0 everything was mirrored and verified, 1 it was not, 2 wrong usage
`;

interface MemoryOptions {
  readonly documents: number;
  /** Average for a BC. */
  readonly lines: number;
  /** Characters in the notes of each BC; 0 for a few words. */
  readonly text: number;
  readonly workers: number;
}

export interface MemoryResult extends SandboxSize {
  readonly machine: string;
  readonly workers: number;
  readonly changes: SandboxChanges;
  readonly phases: readonly Phase[];
  /** The most that Redis used at any moment, as Redis reports it, in MB. */
  readonly redisPeak: number;
}

/** Runs `npm run bench:memory` and ends the process. */
export async function memoryCommand(args: readonly string[]): Promise<never> {
  process.exit(
    await exitCodeOf(
      {
        ...{ script: 'bench:memory', help: HELP },
        flags: {
          documents: { type: 'string', default: '10000' },
          lines: { type: 'string', default: '5' },
          text: { type: 'string', default: '0' },
          workers: { type: 'string', default: '1' },
          json: { type: 'boolean', default: false },
        },
        read: (given) => ({
          documents: wholeNumber(given, 'documents', 10, 2_000_000),
          lines: wholeNumber(given, 'lines', 1, 1000),
          text: wholeNumber(given, 'text', 0, 10_000_000),
          workers: wholeNumber(given, 'workers', 1, 16),
          json: given['json'] === true,
        }),
        run: async ({ json, ...options }, context) => {
          const result = await measureMemory(options, context);
          process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : resultTable(result));
          return 0;
        },
      },
      args,
    ),
  );
}

/** @throws MeasurementFailedError if the mirror is not equal to Odoo. */
async function measureMemory(options: MemoryOptions, context: Context): Promise<MemoryResult> {
  const { workers } = options;
  const servers = await startServers(context);
  const sandbox = await startSandboxOdoo(context, servers.workspace, options);
  const mirror = await openMonitoredMirror(context, servers, sandbox, { workers });
  const { documents, lines } = sandbox.size;
  context.screen.line(`A sandbox Odoo with ${count(documents)} BC and ${count(lines)} lines; ${machine()}`);
  const phases = [
    await runPhase(mirror, 'full', 'full', { created: documents }),
    await runPhase(mirror, 'incremental, nothing to do', 'incremental', { created: 0, updated: 0 }),
    await runPhase(mirror, 'sweep, nothing to do', 'sweep', { seen: 0 }),
  ];
  const changes = await sandbox.call('change');
  const archived = changes.deleted;
  phases.push(await runPhase(mirror, 'sweep after changes', 'sweep', { archived, created: 0 }));
  phases.push(await verifyPhase(mirror));
  const redisPeak = megabytes(await mirror.monitor.redisPeak());
  return { machine: machine(), documents, lines, workers, changes, phases, redisPeak };
}

const HEADINGS = [
  ...['', 'BC', 'seconds', 'BC/s', 'calls to Odoo', 'RSS at start', 'median', 'max', 'slope', 'live heap'],
  ...['Redis max', 'database'],
];

/** The result as a Markdown table that is also aligned for the terminal. */
function resultTable(result: MemoryResult): string {
  const { documents, lines, workers, changes, phases, redisPeak } = result;
  const aligned = alignColumns([HEADINGS, ...phases.map(row)], [0]);
  const [headings = '', ...rows] = aligned.map((cells) => `| ${cells.join(' | ')} |\n`);
  const widths = aligned[0]?.map(({ length }) => length) ?? [];
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [
    `\n${count(documents)} BC, ${count(lines)} lines, ${workers} worker${workers === 1 ? '' : 's'}; ${result.machine}\n\n`,
    ...[headings, `| ${rule.join(' | ')} |\n`, ...rows],
    '\nSizes in MB, slope in MB per minute over the second half of a phase. verify is a process of its own.\n',
    `Changes before the second sweep: ${count(changes.rewritten)} BC rewritten by a late transaction, `,
    `${count(changes.deleted)} BC and ${count(changes.linesDeleted)} lines deleted by SQL.\n`,
    `Redis at its peak, by its own account: ${redisPeak} MB\n`,
  ].join('');
}

function row({ phase, documents, seconds, calls, memory, redisMax, database }: Phase): string[] {
  const { start, median, max, slope, live } = memory;
  const rate = documents === 0 ? '-' : whole(documents / seconds);
  return [
    ...[phase, count(documents), String(seconds), rate, count(calls)],
    ...[start, median, max].map(whole),
    ...[slope === null ? '-' : whole(slope), whole(live), String(redisMax), whole(database)],
  ];
}

const whole = (value: number): string => count(Math.round(value));
