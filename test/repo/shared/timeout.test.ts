import { stat } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { withTimeout } from '../../../src/shared/timeout.ts';

/** Stops the event loop, as a long computation does. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

it('accepts an answer that came while the process was busy', async () => {
  const answer = withTimeout(stat('.'), 20, () => new Error('late'));
  block(200);
  expect((await answer).isDirectory()).toBe(true);
});

it('rejects an answer that did not come', async () => {
  const never = new Promise(() => {});
  await expect(withTimeout(never, 20, () => new Error('late'))).rejects.toThrow('late');
});
