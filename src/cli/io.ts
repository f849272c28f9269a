import type { Writable } from 'node:stream';
import { errorCode } from '../shared/errors.ts';
import { escapeJson, safeForTerminal } from '../shared/terminal.ts';

/** Streams and interrupt handler of a command: those of the terminal, or of a test. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Output;
  readonly stderr: Output & { readonly isTTY?: boolean };
  /** Calls `handle` at the first Ctrl-C; the next one ends the process. Returns a function that stops listening. */
  onInterrupt(handle: () => void): () => void;
}

interface Output {
  write(text: string): unknown;
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

/** The answer of a command: `value` with `--json`, otherwise `lines`. */
export function print(io: Io, json: boolean | undefined, value: unknown, lines: readonly string[]): void {
  if (json === true) printJson(io, value);
  else printLines(io, lines);
}

export function printLines(io: Io, lines: readonly string[]): void {
  io.stdout.write(lines.map((line) => `${safeForTerminal(line)}\n`).join(''));
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
