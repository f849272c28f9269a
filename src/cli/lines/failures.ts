import type { BcLabel } from '../../db/documents/queries.ts';
import type { SyncFailureRow } from '../../db/schema/sync.ts';
import { type Line, oneLine, styled } from '../io.ts';
import { orderText } from '../orders.ts';
import { columns, counted, relative, shorten, type Words } from '../text.ts';

/** Longer names of suppliers are cut. */
const MAX_SUPPLIER = 40;

type LabelledFailure = SyncFailureRow & BcLabel;

/**
 * Failures with equal reasons together, the largest group first: the reason once, then a line for each order. Reasons
 * are equal if they differ only in numbers, which are ids of the orders.
 */
export function failureLines(
  failures: readonly LabelledFailure[],
  now: Date,
  words: Words,
  indent = '',
): Line[] {
  const groups = new Map<string, LabelledFailure[]>();
  for (const failure of failures) {
    const reason = `${failure.code} ${failure.message.replaceAll(/\d+/g, '#')}`;
    groups.set(reason, [...(groups.get(reason) ?? []), failure]);
  }
  return [...groups.values()]
    .sort((a, b) => b.length - a.length)
    .flatMap((group): Line[] => {
      const [first] = group;
      if (first === undefined) return [];
      const size = group.length === 1 ? '' : `${counted(group.length, words.order)}, `;
      return [
        [indent, styled('red', first.code), `: ${size}${oneLine(first.message)}`],
        ...columns(
          group.map((failure) => orderRow(failure, now, words)),
          `${indent}  `,
        ),
      ];
    });
}

function orderRow(
  { odooId, number, supplier, ...failure }: LabelledFailure,
  now: Date,
  words: Words,
): string[] {
  const name = orderText(odooId, { number, supplier }, words);
  return [name, oneLine(shorten(supplier ?? '', MAX_SUPPLIER)), historyText(failure, now)];
}

/** `failed 3 times since 2 h ago, next retry in 4 min`. */
export function historyText(
  { failures, firstFailedAt, nextAttemptAt }: Omit<SyncFailureRow, 'odooId'>,
  now: Date,
): string {
  const tries = failures === 1 ? 'failed once' : `failed ${failures} times, first`;
  const next =
    nextAttemptAt <= now ? 'next retry with the next run' : `next retry ${relative(nextAttemptAt, now)}`;
  return `${tries} ${relative(firstFailedAt, now)}, ${next}`;
}
