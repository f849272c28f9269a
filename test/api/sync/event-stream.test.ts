import { expect, it } from 'vitest';
import { EventStream, eventText } from '../../../src/api/routes/sync/events.ts';
import { waitFor } from '../../support/wait-for.ts';

/** More than any buffer on the way has room for. */
const LARGE = 'x'.repeat(1024 * 1024);

async function readAll(stream: EventStream): Promise<string> {
  let text = '';
  for await (const chunk of stream.readable) text += String(chunk);
  return text;
}

it('a listener that is slow gets the last of the events it missed', async () => {
  const stream = new EventStream(null);
  stream.offer(eventText('state', LARGE));
  stream.offer(eventText('state', 1));
  stream.offer(eventText('state', 2));
  const all = readAll(stream);
  await waitFor(() => !stream.readable.writableNeedDrain, 'room for more');
  stream.offer(eventText('state', 3));
  stream.end();
  const text = await all;
  expect(text.replace(LARGE, 'LARGE')).toBe(
    'retry: 3000\n\nevent: state\ndata: "LARGE"\n\nevent: state\ndata: 2\n\nevent: state\ndata: 3\n\n',
  );
});

it.each([
  ['has taken nothing', (stream: EventStream) => stream.offer(eventText('state', LARGE))],
  ['has not taken its end', (stream: EventStream) => stream.end()],
])('a listener that %s from one beat to the next is disconnected', async (_what, burden) => {
  const stream = new EventStream(null);
  burden(stream);
  stream.beat();
  expect(stream.readable.destroyed).toBe(false);
  stream.beat();
  expect(stream.readable.destroyed).toBe(true);
});

it('a listener that keeps up is kept', async () => {
  const stream = new EventStream(null);
  const all = readAll(stream);
  for (let beats = 0; beats < 5; beats += 1) {
    stream.beat();
    await new Promise(setImmediate);
  }
  stream.end();
  expect(await all).toBe(`retry: 3000\n\n${'event: beat\ndata: {}\n\n'.repeat(5)}`);
});
