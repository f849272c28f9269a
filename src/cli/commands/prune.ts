import type { Command } from 'commander';
import { readConfig } from '../../config/index.ts';
import { trimJobs } from '../../queues/queues.ts';
import { type Pruned, prune } from '../../sync/maintenance/prune.ts';
import { withStores } from '../connections.ts';
import { type CommandContext, EXIT, type ExitCode, print, QUIET } from '../io.ts';
import { whileBusy } from '../progress.ts';
import { count } from '../text.ts';

export function addPrune(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('prune')
    .summary('delete rows and jobs past their retention')
    .description(
      'Delete rows and jobs that are older than RETAIN_RUNS, RETAIN_ITEMS, RETAIN_AUDIT, RETAIN_COMPLETED_JOBS and ' +
        'RETAIN_FAILED_JOBS allow. Workers do so every PRUNE_EVERY. BCs and lines are never deleted.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: { readonly json?: boolean }) => exit(await pruneNow(context, options)));
}

const HELP = `
Exit codes: 0 done, 1 PostgreSQL or Redis cannot be used, 2 bad usage or configuration, 130 stopped by Ctrl-C

Examples:
  $ passerelle prune
  $ RETAIN_AUDIT=365d passerelle prune --json`;

async function pruneNow(
  { io, env }: CommandContext,
  options: { readonly json?: boolean },
): Promise<ExitCode> {
  const config = readConfig(env, QUIET);
  const stopping = new AbortController();
  const forget = io.onInterrupt(() => stopping.abort());
  const { sync: settings, retention } = config;
  const pruned = await withStores(io, config, ({ db, queuesOf }) => {
    const [queues, ...others] = config.mirrors.map(({ name }) => queuesOf(name));
    if (queues === undefined) throw new Error('The configuration has no mirror.');
    const work = async () => {
      const first = await prune({ db, queues, settings, retention }, stopping.signal);
      let { jobs } = first;
      for (const other of others) jobs += await trimJobs(other, settings);
      return { ...first, jobs };
    };
    return whileBusy(io, 'Deleting old rows and jobs', work());
  }).finally(forget);
  print(io, options.json, pruned, [sentence(pruned)]);
  return stopping.signal.aborted ? EXIT.interrupted : EXIT.success;
}

function sentence({ runs, items, failures, alerts, modelChanges, audit, jobs }: Pruned): string {
  const removed = [
    { rows: runs, words: 'runs' },
    { rows: items, words: 'items of runs' },
    { rows: failures, words: 'resolved failures' },
    { rows: alerts, words: 'resolved alerts' },
    { rows: modelChanges, words: 'changes of the model' },
    { rows: audit, words: 'audit entries' },
    { rows: jobs, words: 'ended jobs' },
  ];
  const parts = removed.filter(({ rows }) => rows > 0).map(({ rows, words }) => `${words} ${count(rows)}`);
  return parts.length === 0 ? 'Nothing is kept too long.' : `Removed: ${parts.join(', ')}.`;
}
