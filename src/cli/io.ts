/** Where a command writes, and who may stop it: the terminal, or a test. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Output;
  readonly stderr: Output & { readonly isTTY?: boolean };
  /** Calls `handle` at the first Ctrl-C; the next request to stop ends the process. Returns how to stop listening. */
  onInterrupt(handle: () => void): () => void;
}

interface Output {
  write(text: string): unknown;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every command gets. */
export interface CommandContext {
  readonly io: Io;
  /** The process's own when left out. */
  readonly env: Environment | undefined;
}

/** Commands speak for themselves; logs come when LOG_LEVEL asks for them. */
export const QUIET: Environment = { LOG_LEVEL: 'silent' };

/** `--json`: one object on standard output. */
export function printJson(io: Io, value: unknown): void {
  io.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function printLines(io: Io, lines: readonly string[]): void {
  io.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** Odoo's messages may have paragraphs. */
export function oneLine(message: string | null): string {
  return (message ?? '').replace(/\s+/g, ' ').trim();
}
