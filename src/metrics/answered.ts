/** What `work` gives; null where it fails or takes longer than `limitMs`. What is late goes on all the same. */
export async function answered<T>(work: () => Promise<T>, limitMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), limitMs);
  });
  try {
    return await Promise.race([work(), limit]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
