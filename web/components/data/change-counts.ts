import type { Run } from '../../api/answers.ts';
import { list } from '../../i18n/format.ts';
import { texts } from '../../i18n/texts.ts';

/** The changes of a run in words: `3 created and 1 failed`. */
export function countsOf(run: Run): string {
  const { counts } = texts.value.runs;
  const words = (['created', 'updated', 'archived', 'failed'] as const)
    .filter((name) => run[name] > 0)
    .map((name) => counts[name](run[name]));
  return words.length === 0 ? counts.nothing : list(words);
}
