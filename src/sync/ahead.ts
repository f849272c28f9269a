/** A promise that may fail before anybody waits for it: the error is told to who does. */
export function begun<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {});
  return work;
}

/** The same values, asked for one ahead of who takes them; the first at once. */
export function ahead<T>(values: AsyncIterator<T>): AsyncGenerator<T> {
  const ask = () => begun(values.next());
  return from(ask(), ask);
}

async function* from<T>(
  first: Promise<IteratorResult<T>>,
  ask: () => Promise<IteratorResult<T>>,
): AsyncGenerator<T> {
  for (let next = first; ; ) {
    const one = await next;
    if (one.done) return;
    next = ask();
    yield one.value;
  }
}

/** One value. */
export async function* alone<T>(value: () => Promise<T>): AsyncGenerator<T> {
  yield await value();
}

/** One after the other. */
export async function* inTurn<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  for (const source of sources) yield* source;
}
