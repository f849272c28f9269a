import { errorMessage } from '../errors.ts';
import { withinMs } from '../within.ts';

/**
 * What `work` gives; null where it fails or takes longer than `limitMs`, after `why` was told. What is late goes on all
 * the same.
 */
export async function answered<T>(
  work: () => Promise<T>,
  limitMs: number,
  why: (reason: string) => void = () => {},
): Promise<T | null> {
  try {
    return await withinMs(work(), limitMs, () => new Error(`no answer within ${limitMs} ms`));
  } catch (error) {
    why(errorMessage(error));
    return null;
  }
}
