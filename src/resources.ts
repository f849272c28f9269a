type Release = () => Promise<unknown> | unknown;

/**
 * Runs `work` with a `defer` that registers how to release what it opened. Releases run last in, first out,
 * each exactly once, whatever fails; the first error is thrown at the end.
 */
export async function withResources<T>(work: (defer: (release: Release) => void) => Promise<T>): Promise<T> {
  const releases: Release[] = [];
  const failures: unknown[] = [];
  let result: T | undefined;
  try {
    result = await work((release) => releases.push(release));
  } catch (error) {
    failures.push(error);
  }
  for (const release of releases.reverse()) {
    try {
      await release();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return result as T;
}
