import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { heldBytes } from '../../support/heap.ts';

export const MEGABYTE = 1024 * 1024;

/** An unread answer; `url` is the address of the API. */
export async function askExport(
  url: string,
  query: string,
  headers: Record<string, string>,
): Promise<IncomingMessage> {
  const request = get(`${url}/v1/bc/export?${query}`, { headers });
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  return answer;
}

/**
 * Texts that wait to be sent are buffers, outside the heap. V8 frees those in the background, so a collection subtracts
 * the buffers that the one before it found.
 */
export async function memory(): Promise<number> {
  const measured = () => heldBytes() + process.memoryUsage().external;
  for (let held = measured(); ; ) {
    await setImmediate();
    const now = measured();
    if (now >= held) return now;
    held = now;
  }
}

/** `held`: how much more memory there was at most meanwhile. */
export async function readAll(
  answer: IncomingMessage,
): Promise<{ bytes: number; lines: number; held: number }> {
  const before = await memory();
  let [bytes, lines, chunks, held] = [0, 0, 0, 0];
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines += 1;
    chunks += 1;
    if (chunks % 200 === 0) held = Math.max(held, (await memory()) - before);
  }
  return { bytes, lines, held };
}
