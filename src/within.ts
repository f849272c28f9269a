/**
 * The outcome of `work`, also where that is an error. What is late goes on all the same.
 *
 * @throws what `late` gives, once `limitMs` are over.
 */
export async function withinMs<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
