import type { Context } from '../dev/demo/context.ts';
import { withResources } from '../src/shared/lifecycle.ts';

export type { Context };

/** Runs `work` in a context whose clean-ups run as soon as `work` ends. */
export function withCleanup<T>(
  context: Omit<Context, 'defer'>,
  work: (own: Context) => Promise<T>,
): Promise<T> {
  const { ending, screen } = context;
  return withResources((defer) => work({ ending, screen, defer }));
}
