import { expect, onTestFinished } from 'vitest';
import { TrytonClient } from '../../../src/tryton/client.ts';
import type { CallOutcome, TrytonClientOptions } from '../../../src/tryton/options.ts';
import type { Script } from './scripted-server.ts';
import { scriptedServer, tryton70 } from './scripted-server.ts';

export const USER = 'bot';
export const PASSWORD = 's3cret-value';

/** A client that is closed with the test, and its events. */
export function clientOf(url: string, options: Partial<TrytonClientOptions> = {}) {
  const outcomes: CallOutcome[] = [];
  const lines: object[] = [];
  const line = (details: object, message: string) => void lines.push({ ...details, message });
  const client = new TrytonClient({
    url,
    user: USER,
    password: PASSWORD,
    logger: { debug: line, info: line, warn: line },
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  });
  onTestFinished(() => client.close());
  return { client, outcomes, lines };
}

/** A client of a server that signs in like Tryton 7.0 and answers calls by a script. */
export async function clientAndServer(script: Script, options: Partial<TrytonClientOptions> = {}) {
  const server = await scriptedServer(tryton70(script));
  return { server, ...clientOf(server.url, options) };
}

export type Thrown = Error & { readonly code?: string; readonly cause?: unknown };

export const thrownBy = (work: Promise<unknown>): Promise<Thrown> =>
  work.then(
    () => expect.fail('nothing was thrown'),
    (error: Thrown) => error,
  );
