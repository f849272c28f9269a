/**
 * Told of a statement before it is sent: its text, without its parameters. What it returns is told once when the
 * statement has ended, with the error if it failed.
 */
export type TraceStatement = (text: string) => (error?: unknown) => void;
