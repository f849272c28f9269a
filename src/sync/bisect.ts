/**
 * Reads items together. When a part fails, it is halved until the items at fault are alone.
 *
 * @param mayBlame whether the error can be the fault of the items; otherwise it is thrown.
 * @returns the items at fault. Parts are read in the order of the items.
 */
export async function bisect<T>(
  items: readonly T[],
  read: (part: readonly T[]) => Promise<void>,
  mayBlame: (error: unknown, part: readonly T[]) => boolean | Promise<boolean>,
): Promise<T[]> {
  const atFault: T[] = [];
  const parts = items.length === 0 ? [] : [items];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    try {
      await read(part);
    } catch (error) {
      if (!(await mayBlame(error, part))) throw error;
      const middle = Math.ceil(part.length / 2);
      if (part.length === 1) atFault.push(...part);
      else parts.push(part.slice(middle), part.slice(0, middle));
    }
  }
  return atFault;
}
