import autocannon from 'autocannon';
import { BenchFailedError } from '../memory/errors.ts';

const CONNECTIONS = 10;

/** A request that is sent again and again. */
export interface Get {
  readonly url: string;
  readonly headers: Record<string, string>;
}

interface Load {
  /** Answers per second. */
  readonly rate: number;
  /** Milliseconds within which 99 % of the answers came. */
  readonly p99: number;
}

/**
 * Over that many seconds, 10 connections that stay open, one request under way on each.
 *
 * @throws BenchFailedError unless every request was answered 200.
 */
export async function load({ url, headers }: Get, seconds: number): Promise<Load> {
  const found = await autocannon({ url, headers, connections: CONNECTIONS, duration: seconds });
  const { errors, timeouts, non2xx, requests, duration, latency } = found;
  if (errors + timeouts + non2xx > 0 || requests.total === 0) {
    throw new BenchFailedError(
      `${url}: ${requests.total} requests, of them ${non2xx} refused, ${errors} broken and ${timeouts} late`,
    );
  }
  return { rate: requests.total / duration, p99: latency.p99 };
}
