import { delay } from '../../src/shared/retry.ts';
import type { Ending } from './ending.ts';
import type { Screen } from './screen.ts';

/** The context of every part of the demo. */
export interface Stage {
  readonly ending: Ending;
  readonly screen: Screen;
  /** Undoes the last started step; the last is undone first. */
  readonly defer: (release: () => Promise<unknown> | unknown) => void;
}

/** Waits for `work`, but with a limit: its server may be gone. */
export async function atMost(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  await Promise.race([work, delay(ms)]);
}
