import { delay } from '../../src/shared/retry.ts';
import type { Ending } from './ending.ts';
import type { Screen } from './screen.ts';

/** What every part of the demo works with. */
export interface Stage {
  readonly ending: Ending;
  readonly screen: Screen;
  /** How to undo what was just started; the last is undone first. */
  readonly defer: (release: () => Promise<unknown> | unknown) => void;
}

/** Waits for `work`, but not for ever: what it waits for may be gone itself. */
export async function atMost(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  await Promise.race([work, delay(ms)]);
}
