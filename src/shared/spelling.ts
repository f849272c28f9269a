/** Maximum of letters that differ. */
const MAX_EDITS = 2;
/** In a name with fewer letters, only one may differ. */
export const SHORT = 6;

/** The known name that differs from `name` in the fewest letters; undefined if none is close. */
export function closest(name: string, known: readonly string[]): string | undefined {
  return known
    .filter((candidate) => Math.abs(candidate.length - name.length) <= MAX_EDITS)
    .map((candidate) => ({ candidate, count: edits(name, candidate) }))
    .filter(({ candidate, count }) => count <= (candidate.length < SHORT ? 1 : MAX_EDITS))
    .sort((one, other) => one.count - other.count)[0]?.candidate;
}

/**
 * The number of letters to insert, delete, replace or swap with their neighbour. Three rows of the usual table are
 * kept.
 */
function edits(from: string, to: string): number {
  let older: number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1];
      const isSwap = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row[j] = Math.min(
        at(above, j) + 1,
        at(row, j - 1) + 1,
        at(above, j - 1) + (isSame ? 0 : 1),
        isSwap ? at(older, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [older, above] = [above, row];
  }
  return at(above, to.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY;
