import type { Command } from 'commander';
import { type Check, Checks } from '../../checks/index.ts';
import { type Config, readConfig } from '../../config/index.ts';
import { openDatabase } from '../../db/client.ts';
import { clientOptions } from '../../gateway.ts';
import { openQueues } from '../../queues/queues.ts';
import { openRedis } from '../../queues/redis.ts';
import { withResources } from '../../shared/lifecycle.ts';
import { createLogger } from '../../shared/logger.ts';
import { resultWithin } from '../../shared/timeout.ts';
import { TrytonClient } from '../../tryton/client.ts';
import { type CommandContext, EXIT, type ExitCode, type Line, print, QUIET, styled } from '../io.ts';
import { whileBusy } from '../progress.ts';
import { counted } from '../text.ts';

export function addCheck(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('check')
    .summary('check the servers, the settings and the workers')
    .description(
      'Check everything that Passerelle needs: PostgreSQL, Redis, workers, Odoo, Tryton, disk. Each line shows one ' +
        'result, with a solution if it is not right. Nothing is changed.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: { readonly json?: boolean }) => exit(await checkAll(context, options)));
}

const HELP = `
✓ is right, ! works but should be looked at, ✗ does not work.

Exit codes: 0 nothing failed, 1 a check failed, 2 bad usage or configuration

Examples:
  $ passerelle check
  $ passerelle check --json | jq '.checks[] | select(.outcome != "ok")'`;

async function checkAll(
  { io, env }: CommandContext,
  options: { readonly json?: boolean },
): Promise<ExitCode> {
  const config = readConfig(env, QUIET);
  const checks = await whileBusy(
    io,
    'Checking',
    withResources((defer) => openChecks(config, defer).read()),
  );
  const failed = checks.filter(({ outcome }) => outcome === 'failed').length;
  print(io, options.json, { ok: failed === 0, checks }, [
    ...checks.flatMap(lineOf),
    failed === 0 ? 'Everything that Passerelle needs works.' : `${counted(failed, 'check')} failed.`,
  ]);
  return failed === 0 ? EXIT.success : EXIT.failure;
}

const CLOSE_LIMIT_MS = 1000;

function openChecks(config: Config, defer: (release: () => Promise<unknown> | unknown) => void) {
  const log = createLogger(config.logLevel, 'cli', 'at once', config.prettyLogs);
  const { db, close } = openDatabase(config.databaseUrl, { max: 2, timeouts: config.databaseTimeouts });
  defer(close);
  const redis = openRedis(config.redis, 'producer', log);
  defer(() => redis.disconnect());
  const queues = openQueues(redis, config.queuePrefix, log);
  // A queue that never reached Redis would wait for it before it closes.
  defer(() => resultWithin(() => queues.close(), CLOSE_LIMIT_MS));
  const shared = { redis, prefix: config.queuePrefix };
  const tryton = config.tryton === null ? null : new TrytonClient(clientOptions(config.tryton, shared));
  defer(() => tryton?.close());
  const checks = new Checks({ config, db, redis, queues, tryton });
  defer(() => checks.close());
  return checks;
}

const TITLES = {
  postgresql: 'PostgreSQL',
  redis: 'Redis',
  workers: 'Workers',
  odoo: 'Odoo',
  tryton: 'Tryton',
} as const;

const MARKS = {
  ok: styled('green', '✓'),
  warning: styled('yellow', '!'),
  failed: styled('red', '✗'),
} as const;
const WIDTH = 12;

function lineOf({ area, outcome, text, fix }: Check): Line[] {
  const advice = fix === null ? [] : [`  ${' '.repeat(WIDTH)}${fix}`];
  return [[MARKS[outcome], ` ${TITLES[area].padEnd(WIDTH)}${text}`], ...advice];
}
