import { type Command, Argument as CommandArgument, type Option } from 'commander';
import { type CommandContext, EXIT, type ExitCode } from './io.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/**
 * `passerelle completion SHELL` prints a script for that shell. It is made from the commands themselves, so it contains
 * every command, option and choice of this version. The script starts no process: a completion must be instant.
 */
export function addCompletion(
  program: Command,
  { io }: CommandContext,
  exit: (code: ExitCode) => void,
): void {
  program
    .command('completion')
    .summary('print a completion script for bash, zsh or fish')
    .description('Print a script that completes commands and options of passerelle in a shell.')
    .addArgument(new CommandArgument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', HELP)
    .action((shell: Shell) => {
      io.stdout.write(SCRIPTS[shell](nodesOf(program)));
      exit(EXIT.success);
    });
}

const HELP = `
The shell completes "passerelle", so the command must be on the PATH: not "npx passerelle". After an upgrade, load the script again.

Examples:
  $ source <(passerelle completion bash)                                          # also in ~/.bashrc or ~/.zshrc
  $ passerelle completion fish > ~/.config/fish/completions/passerelle.fish`;

/** One command, with the words that may follow it. */
interface Node {
  /** The words after `passerelle`: `keys create`; empty for the program itself. */
  readonly path: string;
  readonly below: readonly Word[];
  readonly options: readonly Word[];
  /** Choices of its first argument. */
  readonly choices: readonly string[];
}

interface Word {
  readonly word: string;
  readonly description: string;
  /** The choices of an option's value; empty: any value. Missing if the word takes no value. */
  readonly value?: readonly string[];
}

function nodesOf(command: Command, path = ''): Node[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command);
  const node: Node = {
    path,
    below: below.map((known) => ({
      word: known.name(),
      description: known.summary() || known.description(),
    })),
    options: help.visibleOptions(command).map(optionWord),
    choices: command.registeredArguments[0]?.argChoices ?? [],
  };
  return [
    node,
    ...below
      .filter((known) => known.name() !== 'help')
      .flatMap((known) => nodesOf(known, `${path} ${known.name()}`.trim())),
  ];
}

function optionWord({ long, short, flags, description, required, optional, argChoices }: Option): Word {
  const takesValue = required || optional;
  return {
    word: long ?? short ?? flags,
    description,
    ...(takesValue && { value: argChoices ?? [] }),
  };
}

const words = (list: readonly Word[]) => list.map(({ word }) => word);
/** A text in single quotes. Quotes inside are replaced, because each shell escapes them in its own way. */
const quoted = (text: string) => `'${text.replaceAll("'", '’')}'`;

/** Branches of a shell `case` by the path of a command. */
function branches(nodes: readonly Node[], body: (node: Node) => string): string {
  return nodes.map((node) => `    '${node.path}') ${body(node)} ;;`).join('\n');
}

/** Branches by a path and the option before the cursor, for options that take a value. */
function valueBranches(nodes: readonly Node[], body: (choices: string) => string): string {
  const lines = nodes.flatMap(({ path, options }) =>
    options.flatMap(({ word, value }) =>
      value === undefined ? [] : [`    '${path} ${word}') ${body(value.join(' '))} ;;`],
    ),
  );
  return lines.join('\n');
}

const pathsOf = (nodes: readonly Node[]) =>
  nodes.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);

/** Adds a word to the path of the command, unless it is an option or a value. For bash and zsh. */
function pathCase(nodes: readonly Node[]): string {
  return `case "\${at:+$at }$word" in ${pathsOf(nodes).join('|')}) at="\${at:+$at }$word" ;; esac`;
}

function bash(nodes: readonly Node[]): string {
  return `# bash completion of passerelle
_passerelle() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" at='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    ${pathCase(nodes)}
  done
  local values=''
  case "$at $previous" in
${valueBranches(nodes, (choices) => `COMPREPLY=($(compgen -W '${choices}' -- "$current")); return`)}
  esac
  case "$at" in
${branches(nodes, ({ below, choices, options }) => `values='${[...words(below), ...choices, ...words(options)].join(' ')}'`)}
  esac
  COMPREPLY=($(compgen -W "$values" -- "$current"))
}
complete -F _passerelle passerelle
`;
}

function zsh(nodes: readonly Node[]): string {
  const described = ({ below, choices, options }: Node) =>
    [...below, ...choices.map((word) => ({ word, description: '' })), ...options]
      .map(({ word, description }) => quoted(`${word}:${description}`))
      .join(' ');
  return `#compdef passerelle
# zsh completion of passerelle
_passerelle() {
  local at='' word
  local -a values
  for word in "\${(@)words[2,CURRENT-1]}"; do
    ${pathCase(nodes)}
  done
  case "$at \${words[CURRENT-1]}" in
${valueBranches(nodes, (choices) => `compadd -- ${choices}; return`)}
  esac
  case "$at" in
${branches(nodes, (node) => `values=(${described(node)})`)}
  esac
  _describe 'passerelle' values
}
compdef _passerelle passerelle
`;
}

function fish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap((node) => {
    const at = `complete -c passerelle -n ${quoted(`__passerelle_at "${node.path}"`)}`;
    return [
      ...node.below.map(({ word, description }) => `${at} -a ${word} -d ${quoted(description)}`),
      ...node.choices.map((word) => `${at} -a ${word}`),
      ...node.options.map(({ word, description, value }) => {
        const choices =
          value === undefined ? '' : value.length === 0 ? ' -r' : ` -r -a ${quoted(value.join(' '))}`;
        return `${at} -l ${word.slice(2)}${choices} -d ${quoted(description)}`;
      }),
    ];
  });
  return `# fish completion of passerelle
function __passerelle_at
  set -l at
  for word in (commandline -opc)[2..]
    set -l longer (string join ' ' $at $word)
    if contains -- $longer ${pathsOf(nodes).join(' ')}
      set at $longer
    end
  end
  test "$at" = "$argv[1]"
end
complete -c passerelle -f
${lines.join('\n')}
`;
}

const SCRIPTS: Readonly<Record<Shell, (nodes: readonly Node[]) => string>> = { bash, zsh, fish };
