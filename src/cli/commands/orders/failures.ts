import { type Command, InvalidArgumentError } from 'commander';
import { readMirrorConfig } from '../../../config/index.ts';
import { type Database, databaseClock } from '../../../db/client.ts';
import type { MirrorStore } from '../../../db/documents/tables.ts';
import {
  countOpenFailures,
  findOpenFailures,
  listFailures,
  oldestFailures,
} from '../../../db/runs/failures.ts';
import { type OpenMirror, withMirror, withStoredMirror } from '../../connections.ts';
import { NoFailureError } from '../../errors.ts';
import { requestAndFollow } from '../../follow-run.ts';
import { type CommandContext, EXIT, type ExitCode, type Io, type Line, print, QUIET } from '../../io.ts';
import { failureLines } from '../../lines/failures.ts';
import { MIRROR_FLAG, ONE_MIRROR } from '../../mirrors.ts';
import { labelled, ORDER_ARGUMENT, orderIds } from '../../orders.ts';
import { counted, type Words, wordsOf } from '../../text.ts';
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
    .option(MIRROR_FLAG, ONE_MIRROR)
    .option('--json', 'print one JSON object')
    .addHelpText('after', FAILURES_HELP)
    .action(async (options: ListOptions) => exit(await failures(context, options)));
}

interface ListOptions {
  readonly limit: number;
  readonly mirror?: string;
  readonly json?: boolean;
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
  { limit, mirror, json }: ListOptions,
): Promise<ExitCode> {
  const { now, name, ...found } = await withStoredMirror(env, mirror, async (stored) => ({
    name: stored.name,
    ...(await openFailures(stored, stored.key, limit)),
  }));
  print(io, json, found, listLines(found, now, wordsOf(name)));
  return EXIT.success;
}

async function openFailures(store: MirrorStore<Database>, key: string, limit: number) {
  const { db } = store;
  return {
    now: await databaseClock(db),
    count: await countOpenFailures(db, key),
    failures: await labelled(store, await listFailures(db, key, { limit, after: 0 })),
  };
}

function listLines(
  { count: total, failures: listed }: Omit<Awaited<ReturnType<typeof openFailures>>, 'now'>,
  now: Date,
  words: Words,
): Line[] {
  if (total === 0) return [`No open failure: every ${words.order} could be stored.`];
  const more = total - listed.length;
  return [
    counted(total, 'open failure'),
    ...failureLines(listed, now, words),
    ...(more > 0
      ? [`And ${more} more. Show them with "passerelle failures${words.flag} --limit ${MAX_LIMIT}".`]
      : []),
    `Retry them with "passerelle retry${words.flag} --all".`,
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
    .option(MIRROR_FLAG, ONE_MIRROR)
    .option('--json', 'print one JSON object')
    .addHelpText('after', RETRY_HELP)
    .action(async (orders: string[], options: RetryOptions, command: Command) => {
      const all = options.all === true;
      if (all === orders.length > 0) command.error('error: name the orders to retry, or give --all');
      exit(all ? await retryAll(context, options) : await retry(context, orders, options));
    });
}

interface RetryOptions {
  readonly all?: boolean;
  readonly mirror?: string;
  readonly json?: boolean;
}

const RETRY_HELP = `
Exit codes: 0 all were stored, 1 one of them failed or has no open failure, 2 bad usage or configuration, or several orders have the number

Examples:
  $ passerelle retry --all
  $ passerelle retry 4711 BC/2023/00002`;

async function retry(
  { io, env }: CommandContext,
  orders: readonly string[],
  { mirror, json = false }: RetryOptions,
): Promise<ExitCode> {
  const work = async (open: OpenMirror) => {
    const { db, definition } = open.mirror;
    const words = wordsOf(definition.name);
    const odooIds = await orderIds(open.mirror, orders, words);
    const found = await findOpenFailures(db, definition.key, odooIds);
    const without = odooIds.filter((id) => !found.has(id));
    if (without.length > 0) throw new NoFailureError(without, words);
    return readOrders(open, io, { odooIds, trigger: 'retry', json });
  };
  return withMirror(io, readMirrorConfig(env, QUIET), work, mirror);
}

async function retryAll(
  { io, env }: CommandContext,
  { mirror, json = false }: RetryOptions,
): Promise<ExitCode> {
  const work = async (open: OpenMirror) => {
    const { db, definition } = open.mirror;
    const odooIds = await oldestFailures(db, definition.key, RETRIED_AT_ONCE);
    if (odooIds.length > 0) return retryThese(open, io, odooIds, json);
    print(io, json, { runId: null, status: 'success', failed: 0, openFailures: 0 }, [
      'No open failure: there is nothing to retry.',
    ]);
    return EXIT.success;
  };
  return withMirror(io, readMirrorConfig(env, QUIET), work, mirror);
}

async function retryThese(
  open: OpenMirror,
  io: Io,
  odooIds: readonly number[],
  json: boolean,
): Promise<ExitCode> {
  const { definition } = open.mirror;
  const words = wordsOf(definition.name);
  const run = await requestAndFollow(open, io, { mode: 'single', trigger: 'retry', odooIds });
  const left = await openFailures(open.mirror, definition.key, SHOWN_AFTER_RETRY);
  const more = left.count - left.failures.length;
  print(io, json, { ...account(run), openFailures: left.count }, [
    ...summary(run, words),
    left.count === 0 ? 'No failure is open any more.' : `${counted(left.count, 'failure')} still open`,
    ...failureLines(left.failures, left.now, words),
    ...(more > 0 ? [`And ${more} more: "passerelle failures${words.flag}" lists them.`] : []),
  ]);
  if (run.status !== 'partial') await explain(open.mirror, io, run);
  return exitCodeOf(run);
}
