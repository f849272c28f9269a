import autocannon from 'autocannon';
import { BenchFailedError } from '../memory/errors.ts';

const CONNECTIONS = 10;

/** One kind of request, sent again and again. */
export interface Shot {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/**
 * Answers per second over that many seconds, 10 requests under way at a time.
 *
 * @throws BenchFailedError unless every one of them was answered 200.
 */
export async function rateOf({ url, headers, body }: Shot, seconds: number): Promise<number> {
  const found = await autocannon({
    ...{ url, headers, body, method: 'POST' },
    ...{ connections: CONNECTIONS, duration: seconds },
  });
  const { errors, timeouts, non2xx, requests, duration } = found;
  if (errors + timeouts + non2xx > 0 || requests.total === 0)
    throw new BenchFailedError(
      `${url}: ${requests.total} requests, of them ${non2xx} refused, ${errors} broken and ${timeouts} late`,
    );
  return requests.total / duration;
}
