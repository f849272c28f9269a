import type { ParseArgsConfig } from 'node:util';
import { parseArgs } from 'node:util';
import { createScreen, Ending, type Screen } from '../../dev/demo/context.ts';
import { errorMessage } from '../../src/shared/errors.ts';
import { checkReadme, publish } from './publish.ts';
import type { Section } from './section.ts';
import { missedTargets, withResults } from './section.ts';
import { textTable } from './table.ts';

/** A command that measures: its name, its options and its work. */
export interface BenchCommand<Options> {
  /** The script in package.json. */
  readonly script: string;
  readonly help: string;
  /** Its options beside those that all have. */
  readonly flags: NonNullable<ParseArgsConfig['options']>;
  /** @throws Error with one sentence about the invalid option. */
  readonly read: (given: Given) => Options;
  /** One section after the other, each as soon as it is measured. */
  readonly measure: (options: Options, ending: Ending, screen: Screen) => AsyncIterable<Section>;
}

/** Options as they were given, by name. */
export type Given = Readonly<Record<string, unknown>>;

/** The options of every such command. */
const COMMON = {
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** For the help of each. */
export const COMMON_HELP = `  --json           print one JSON object instead of tables
  --write          write the figures into README.md and docs/bench, beside those measured before
  --help           this text`;

/** Runs the command and ends the process: what still hangs on a server that is gone must not keep it alive. */
export async function runBench<Options>(
  command: BenchCommand<Options>,
  args: readonly string[],
): Promise<never> {
  process.exit(await exitCode(command, args));
}

/** Runs it. 0: every target is met; 1: one is missed, or it could not be measured; 2: bad usage. */
export async function exitCode<Options>(
  command: BenchCommand<Options>,
  args: readonly string[],
): Promise<0 | 1 | 2> {
  const options = read(command, args);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\nSee npm run ${command.script} -- --help\n`);
    return 2;
  }
  if (options === HELP) {
    process.stdout.write(command.help);
    return 0;
  }
  const ending = new Ending();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.stop());
  try {
    const missed = missedTargets(await measure(command, options, ending));
    for (const sentence of missed) process.stderr.write(`Target missed. ${sentence}\n`);
    return missed.length === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? errorMessage(error) : 'stopped'}\n`);
    return 1;
  }
}

async function measure<Options>(
  command: BenchCommand<Options>,
  { own, json, write }: Read<Options>,
  ending: Ending,
): Promise<Section[]> {
  const root = process.cwd();
  const screen = createScreen(process.stderr);
  if (write) await checkReadme(root);
  const sections: Section[] = [];
  for await (const section of command.measure(own, ending, screen)) {
    sections.push(section);
    if (!json) process.stdout.write(textTable(section));
    if (write) screen.line(`Written: ${(await publish(root, [section])).join(', ')}`);
  }
  if (json) process.stdout.write(`${JSON.stringify({ sections: withResults(sections) }, null, 2)}\n`);
  return sections;
}

interface Read<Options> {
  readonly own: Options;
  readonly json: boolean;
  readonly write: boolean;
}

const HELP = Symbol('help');

function read<Options>(
  command: BenchCommand<Options>,
  args: readonly string[],
): Read<Options> | typeof HELP | string {
  try {
    const { values } = parseArgs({ args: [...args], options: { ...command.flags, ...COMMON } });
    const { json, write, help } = values as Record<keyof typeof COMMON, boolean>;
    return help ? HELP : { own: command.read(values), json, write };
  } catch (error) {
    return errorMessage(error);
  }
}

/** @throws Error that names the expected values. */
export function wholeNumber(given: Given, name: string, least: number, most: number): number {
  const value = Number(given[name]);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name}: expected a whole number from ${least} to ${most}`);
}

/** Names after commas, all of them known; every name if none is given. @throws Error that names the expected values. */
export function chosen<Name extends string>(given: Given, name: string, known: readonly Name[]): Name[] {
  const value = given[name];
  if (typeof value !== 'string') return [...known];
  const wanted = value.split(',');
  const unknown = wanted.filter((one) => !known.some((other) => other === one));
  if (unknown.length > 0) throw new Error(`--${name}: expected some of ${known.join(',')}`);
  return known.filter((one) => wanted.includes(one));
}
