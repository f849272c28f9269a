import type { Command } from 'commander';
import type { Channel } from '../../alerts/channels/channel.ts';
import { openChannels } from '../../alerts/channels/index.ts';
import { testNotice } from '../../alerts/notice.ts';
import { ConfigError, readConfig } from '../../config/index.ts';
import { errorCode, errorMessage } from '../../shared/errors.ts';
import { type CommandContext, EXIT, type ExitCode, print, QUIET } from '../io.ts';
import { whileBusy } from '../progress.ts';

export function addAlerts(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  const alerts = program
    .command('alerts')
    .summary('test the alert channels')
    .description('Alert channels: ALERT_WEBHOOK_URL and SMTP_URL.')
    .addHelpText('after', '\nExamples:\n  $ passerelle alerts test');
  alerts
    .command('test')
    .summary('send a test notice through each channel, now')
    .description('Send one test notice through each configured channel and report the results.')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: { readonly json?: boolean }) => exit(await test(context, options.json === true)));
}

const HELP = `
Exit codes: 0 every channel took it, 1 one did not, 2 bad usage, bad configuration or no channel

Examples:
  $ passerelle alerts test
  $ passerelle alerts test --json | jq '.channels[] | select(.ok | not)'`;

async function test({ io, env }: CommandContext, json: boolean): Promise<ExitCode> {
  const channels = openChannels(readConfig(env, QUIET).alerts);
  if (channels.length === 0) {
    throw new ConfigError(['ALERT_WEBHOOK_URL or SMTP_URL is required to send alerts: neither is set']);
  }
  const stop = new AbortController();
  const forget = io.onInterrupt(() => stop.abort());
  const tests = Promise.all(channels.map((channel) => tried(channel, stop.signal)));
  const results = await whileBusy(io, 'Sending a test notice', tests).finally(forget);
  print(io, json, { channels: results }, results.map(line));
  return results.every(({ ok }) => ok) ? EXIT.success : EXIT.failure;
}

async function tried(channel: Channel, signal: AbortSignal) {
  const { name, target } = channel;
  try {
    await channel.send(testNotice(new Date()), signal);
    return { channel: name, target, ok: true, error: null };
  } catch (error) {
    return {
      channel: name,
      target,
      ok: false,
      error: { code: errorCode(error), message: errorMessage(error) },
    };
  }
}

function line({ channel, target, error }: Awaited<ReturnType<typeof tried>>): string {
  return `${channel.padEnd(8)} ${error === null ? `${target} took it` : error.message}`;
}
