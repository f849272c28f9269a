import { errorMessage } from '../errors.ts';

/**
 * What `work` gives; null where it fails or takes longer than `limitMs`, after `why` was told. What is late goes on all
 * the same.
 */
export async function answered<T>(
  work: () => Promise<T>,
  limitMs: number,
  why: (reason: string) => void = () => {},
): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work(), limit]);
  } catch (error) {
    why(errorMessage(error));
    return null;
  } finally {
    clearTimeout(timer);
  }
}
