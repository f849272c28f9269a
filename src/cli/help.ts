import type { Command } from 'commander';

/** Wider lines are hard to read. */
const MAX_WIDTH = 100;
/** Commander wraps at the same width. */
const WITHOUT_TERMINAL = 80;

export function helpWidth(columns: number | undefined): number {
  return Math.min(columns ?? WITHOUT_TERMINAL, MAX_WIDTH);
}

/**
 * Wraps the lines of a help text that commander does not wrap: those of `addHelpText`. A line goes on below its last
 * column, which begins after two blanks. Examples stay whole, so that they can be copied.
 */
export function wrapHelp(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => (line.length <= width || /^ +\$ /.test(line) ? [line] : wrapLine(line, width)))
    .join('\n');
}

function wrapLine(line: string, width: number): string[] {
  const [head = ''] = /^ *(?:\S+(?: \S+)* {2,})?/.exec(line) ?? [];
  const lines: string[] = [];
  let current = head;
  // An exit code stays with its meaning.
  for (const word of line.slice(head.length).split(/(?<! \d) /)) {
    const isFirst = current.trim() === '' || current === head;
    if (!isFirst && current.length + 1 + word.length > width) {
      lines.push(current);
      current = ' '.repeat(head.length) + word;
    } else current += isFirst ? word : ` ${word}`;
  }
  return [...lines, current];
}

/**
 * Completes the help of a program that has all its commands: each usage error names the help to read, and the help of
 * an unknown command is an error. Commander would print the help of the program instead.
 */
export function completeHelp(command: Command): void {
  command.showHelpAfterError(`Run "${pathOf(command)} --help" for usage.`);
  if (command.commands.length === 0) return;
  command.addHelpText('before', () => {
    const [first, second] = command.args;
    const wanted = first === 'help' ? second : first;
    const known = [...command.commands.map((below) => below.name()), 'help'];
    // Without the option, commander reports the unknown command itself, and throws.
    if (wanted !== undefined && !wanted.startsWith('-') && !known.includes(wanted))
      command.parse([wanted], { from: 'user' });
    return '';
  });
  for (const below of command.commands) completeHelp(below);
}

/** `passerelle keys create`. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
