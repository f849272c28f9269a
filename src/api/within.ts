/** A service that must answer a probe takes longer than this only when it is in trouble. */
const ANSWER_MS = 2000;

/** The outcome of `work`, or an error once `ANSWER_MS` are over. `work` itself goes on. */
export async function within<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not answer within ${ANSWER_MS} ms`)), ANSWER_MS);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
