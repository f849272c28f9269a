import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { errorCode } from '../shared/errors.ts';
import { escapeJson, safeForTerminal } from '../shared/terminal.ts';
import type { Ask } from './ask.ts';

/** Streams and interrupt handler of a command: those of the terminal, or of a test. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Output & Screen;
  readonly stderr: Output & { readonly isTTY?: boolean };
  /** Null without a terminal. */
  readonly ask: Ask | null;
  /** Calls `handle` at the first Ctrl-C; the next one ends the process. Returns a function that stops listening. */
  onInterrupt(handle: () => void): () => void;
}

interface Output {
  write(text: string): unknown;
}

/** The methods that a stream of Node has if it is a terminal. */
interface Screen {
  /** False if NO_COLOR is set. */
  hasColors?(): boolean;
  readonly columns?: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface CommandContext {
  readonly io: Io;
  /** Undefined: the environment of the process. */
  readonly env: Environment | undefined;
}

/** Commands write no logs unless LOG_LEVEL is set. */
export const QUIET: Environment = { LOG_LEVEL: 'silent' };

export function printJson(io: Io, value: unknown): void {
  io.stdout.write(`${escapeJson(JSON.stringify(value, null, 2))}\n`);
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

/** Text with a style, as data: it is applied after unsafe characters are replaced, and only on a terminal. */
export interface Styled {
  readonly style: Style;
  readonly text: string;
}

export type Piece = string | Styled;
export type Line = Piece | readonly Piece[];

export const styled = (style: Style, text: string): Styled => ({ style, text });

/** The answer of a command: `value` with `--json`, otherwise `lines`. */
export function print(io: Io, json: boolean | undefined, value: unknown, lines: readonly Line[]): void {
  if (json === true) printJson(io, value);
  else printLines(io, lines);
}

export function printLines(io: Io, lines: readonly Line[]): void {
  const hasColors = io.stdout.hasColors?.() === true;
  const shown = (piece: Piece): string => {
    if (typeof piece === 'string') return safeForTerminal(piece);
    const text = safeForTerminal(piece.text);
    // Node would check its own standard output instead of the stream of the command.
    return hasColors ? styleText(piece.style, text, { validateStream: false }) : text;
  };
  const pieces = (line: Line): readonly Piece[] =>
    typeof line === 'string' || 'style' in line ? [line] : line;
  io.stdout.write(lines.map((line) => `${pieces(line).map(shown).join('')}\n`).join(''));
}

/** Messages of Odoo may have several lines. */
export function oneLine(message: string | null): string {
  return safeForTerminal((message ?? '').replace(/\s+/g, ' ')).trim();
}

export const EXIT = {
  success: 0,
  /** Partial, failed, or different. */
  failure: 1,
  /** Bad usage or configuration. */
  usage: 2,
  /** Another run is in progress. */
  skipped: 3,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * Allows the reader of a stream to leave early, as with `| head`; that is not an error. Call it before anything is
 * written. The returned function waits until all output has arrived. It returns the error if it did not, and null if it
 * did or if the reader left.
 */
export function watchOutput(stream: Writable): () => Promise<Error | null> {
  let trouble: Error | null = null;
  stream.on('error', (error) => {
    trouble ??= error;
  });
  return async () => {
    // The callback also covers earlier writes: a pipe takes 64 KB at once, and the rest when its reader has read them.
    await new Promise<void>((resolve) => stream.write('', () => setImmediate(resolve)));
    return trouble === null || errorCode(trouble) === 'EPIPE' ? null : trouble;
  };
}
