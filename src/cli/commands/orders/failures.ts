import { type Command, InvalidArgumentError } from 'commander';
import { readMirrorConfig } from '../../../config/index.ts';
import { type Database, databaseClock } from '../../../db/client.ts';
import {
  countOpenFailures,
  findOpenFailures,
  listFailures,
  oldestFailures,
} from '../../../db/runs/failures.ts';
import { BC_KEY } from '../../../db/schema/sync.ts';
import { type OpenMirror, withDatabase, withMirror } from '../../connections.ts';
import { NoFailureError } from '../../errors.ts';
import { requestAndFollow } from '../../follow-run.ts';
import { type CommandContext, EXIT, type ExitCode, type Io, type Line, print, QUIET } from '../../io.ts';
import { failureLines } from '../../lines/failures.ts';
import { labelled, ORDER_ARGUMENT, orderIds } from '../../orders.ts';
import { counted } from '../../text.ts';
import { account, exitCodeOf, explain, summary } from '../sync.ts';
import { readOrders } from './resync.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1000;
/** Orders that one run retries. Its list is one row of `sync_log`. */
const RETRIED_AT_ONCE = 10_000;
/** Failures that are listed after a retry of all. */
const SHOWN_AFTER_RETRY = 20;

export function addFailures(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('failures')
    .summary('list the orders that could not be stored')
    .description(
      'List the open failures, oldest first: orders that could not be stored. Equal reasons are shown once. Later runs ' +
        'retry these orders with growing pauses; the first success closes a failure. Needs DATABASE_URL only.',
    )
    .option('--limit <number>', `failures to list, at most ${MAX_LIMIT}`, parseLimit, DEFAULT_LIMIT)
    .option('--json', 'print one JSON object')
    .addHelpText('after', FAILURES_HELP)
    .action(async (options: { readonly limit: number; readonly json?: boolean }) =>
      exit(await failures(context, options)),
    );
}

const FAILURES_HELP = `
Exit codes: 0 shown, also if there are failures, 1 PostgreSQL cannot be used, 2 bad usage or configuration

Examples:
  $ passerelle failures
  $ passerelle failures --json | jq -r '.failures[].number'
  $ passerelle retry --all`;

/** A number of rows that a command lists. */
export function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidArgumentError(`Expected a whole number from 1 to ${MAX_LIMIT}.`);
  return limit;
}

async function failures(
  { io, env }: CommandContext,
  { limit, json }: { readonly limit: number; readonly json?: boolean },
): Promise<ExitCode> {
  const { now, ...found } = await withDatabase(env, (db) => openFailures(db, limit));
  print(io, json, found, listLines(found, now));
  return EXIT.success;
}

async function openFailures(db: Database, limit: number) {
  return {
    now: await databaseClock(db),
    count: await countOpenFailures(db, BC_KEY),
    failures: await labelled(db, await listFailures(db, BC_KEY, { limit, after: 0 })),
  };
}

function listLines(
  { count: total, failures: listed }: Omit<Awaited<ReturnType<typeof openFailures>>, 'now'>,
  now: Date,
): Line[] {
  if (total === 0) return ['No open failure: every order could be stored.'];
  const more = total - listed.length;
  return [
    counted(total, 'open failure'),
    ...failureLines(listed, now),
    ...(more > 0 ? [`And ${more} more. Show them with "passerelle failures --limit ${MAX_LIMIT}".`] : []),
    'Retry them with "passerelle retry --all".',
  ];
}

export function addRetry(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('retry')
    .summary('retry orders that could not be stored')
    .description(
      'Read orders with an open failure from Odoo again, now and in one run. A success closes the failure. The command ' +
        'uses the running workers. If no worker is connected, it does the work itself.',
    )
    .argument('[order...]', ORDER_ARGUMENT)
    .option('--all', `retry all open failures, the oldest ${RETRIED_AT_ONCE.toLocaleString('en')} at once`)
    .option('--json', 'print one JSON object')
    .addHelpText('after', RETRY_HELP)
    .action(
      async (
        orders: string[],
        options: { readonly all?: boolean; readonly json?: boolean },
        command: Command,
      ) => {
        const all = options.all === true;
        if (all === orders.length > 0) command.error('error: name the orders to retry, or give --all');
        const json = options.json === true;
        exit(all ? await retryAll(context, json) : await retry(context, orders, json));
      },
    );
}

const RETRY_HELP = `
Exit codes: 0 all were stored, 1 one of them failed or has no open failure, 2 bad usage or configuration, or several orders have the number

Examples:
  $ passerelle retry --all
  $ passerelle retry 4711 BC/2023/00002`;

async function retry(
  { io, env }: CommandContext,
  orders: readonly string[],
  json: boolean,
): Promise<ExitCode> {
  return withMirror(io, readMirrorConfig(env, QUIET), async (open) => {
    const { db } = open.mirror;
    const odooIds = await orderIds(db, orders);
    const found = await findOpenFailures(db, BC_KEY, odooIds);
    const without = odooIds.filter((id) => !found.has(id));
    if (without.length > 0) throw new NoFailureError(without);
    return readOrders(open, io, { odooIds, trigger: 'retry', json });
  });
}

async function retryAll({ io, env }: CommandContext, json: boolean): Promise<ExitCode> {
  return withMirror(io, readMirrorConfig(env, QUIET), async (open) => {
    const odooIds = await oldestFailures(open.mirror.db, BC_KEY, RETRIED_AT_ONCE);
    if (odooIds.length > 0) return retryThese(open, io, odooIds, json);
    print(io, json, { runId: null, status: 'success', failed: 0, openFailures: 0 }, [
      'No open failure: there is nothing to retry.',
    ]);
    return EXIT.success;
  });
}

async function retryThese(
  open: OpenMirror,
  io: Io,
  odooIds: readonly number[],
  json: boolean,
): Promise<ExitCode> {
  const { db } = open.mirror;
  const run = await requestAndFollow(open, io, { mode: 'single', trigger: 'retry', odooIds });
  const left = await openFailures(db, SHOWN_AFTER_RETRY);
  const more = left.count - left.failures.length;
  print(io, json, { ...account(run), openFailures: left.count }, [
    ...summary(run),
    left.count === 0 ? 'No failure is open any more.' : `${counted(left.count, 'failure')} still open`,
    ...failureLines(left.failures, left.now),
    ...(more > 0 ? [`And ${more} more: "passerelle failures" lists them.`] : []),
  ]);
  if (run.status !== 'partial') await explain(open.mirror, io, run);
  return exitCodeOf(run);
}
