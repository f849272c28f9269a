import type { CallOutcome } from './options.ts';
import type { TrytonLogger } from './types.ts';

/** The outcome of `work`, of which a listener is told, whatever it does with that. */
export async function told<T>(
  listener: (outcome: CallOutcome) => void,
  logger: TrytonLogger,
  method: string,
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const tell = (error: Error | null) => {
    try {
      listener({ method, ms: performance.now() - start, error });
    } catch {
      logger.warn({ method }, 'onOutcome failed; its error is ignored');
    }
  };
  try {
    const answer = await work();
    tell(null);
    return answer;
  } catch (error) {
    tell(error instanceof Error ? error : new Error('given up by the caller'));
    throw error;
  }
}
