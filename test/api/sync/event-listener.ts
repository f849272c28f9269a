import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { waitFor } from '../../support/wait-for.ts';

/** One listener of server-sent events, over a real connection. */
export interface Listener {
  readonly response: Response;
  /** All that came, as text. */
  text(): string;
  /** The data of the events of that name that came so far. */
  data<T = Record<string, unknown>>(name: string): T[];
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  close(): void;
}

export async function listenTo(app: FastifyInstance): Promise<string> {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 });
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
}

export async function openListener(url: string, headers: Record<string, string>): Promise<Listener> {
  const leaving = new AbortController();
  const response = await fetch(url, { headers, signal: leaving.signal });
  let text = '';
  const ended = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
  })().catch((error: Error) => {
    if (error.name !== 'AbortError') throw error;
  });
  return {
    response,
    text: () => text,
    data: (name) => eventsIn(text, name).map((data) => JSON.parse(data)),
    ended,
    close: () => leaving.abort(),
  };
}

/** Whole events only: the last one may still be on its way. */
function eventsIn(text: string, name: string): string[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((event) => event.split('\n'))
    .filter((lines) => lines[0] === `event: ${name}`)
    .map(([, data = '']) => data.slice('data: '.length));
}

/** The first event of that name for which `isIt` holds. */
export function heard<T extends object>(
  listener: Listener,
  name: string,
  isIt: (data: T) => boolean,
): Promise<T> {
  return waitFor(() => listener.data<T>(name).find(isIt), `an event ${name}`);
}
