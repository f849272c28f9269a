import type { Contender } from '../frame/figure.ts';
import { median } from '../frame/figure.ts';
import { BenchFailedError } from '../memory/errors.ts';
import type { Get } from './load.ts';
import type { ReadApi } from './stage.ts';

/** BCs on a page. */
export const PAGE = 50;
const LARGEST_PAGE = 500;
/** Requests of one measurement, one after the other; their median counts. */
const REQUESTS = 25;

/** One page of a list, asked for again and again. */
export function pageContender(name: string, request: Get): Contender {
  const measure = async () => {
    const taken: number[] = [];
    for (let sent = 0; sent < REQUESTS; sent += 1) {
      const start = performance.now();
      await answerTo(request);
      taken.push(performance.now() - start);
    }
    return median(taken);
  };
  return { name, measure };
}

/** The page with that number, from 1, of a list. Its cursor is come by as a caller would: page by page, in large ones. */
export async function pageOf(api: ReadApi, query: string, number: number): Promise<Get> {
  let cursor = '';
  for (let left = (number - 1) * PAGE; left > 0; ) {
    const limit = Math.min(left, LARGEST_PAGE);
    const text = await answerTo(api.list(`${query}&fields=name&limit=${limit}${cursor}`));
    const { nextCursor } = JSON.parse(text) as { nextCursor: string | null };
    if (nextCursor === null) throw new BenchFailedError(`the list ${query} has no page ${number}`);
    cursor = `&cursor=${nextCursor}`;
    left -= limit;
  }
  return api.list(`${query}&include=lines&limit=${PAGE}${cursor}`);
}

/** @throws BenchFailedError unless the answer is a 200. */
export async function answerTo({ url, headers }: Get): Promise<string> {
  const answer = await fetch(url, { headers });
  const text = await answer.text();
  if (answer.ok) return text;
  throw new BenchFailedError(`${url} answered ${answer.status}: ${text.slice(0, 200)}`);
}
