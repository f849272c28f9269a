import type { RedisConnection } from './redis-ready.ts';

type Values = readonly (string | null)[];

interface Batch {
  /** To their places in the reply. */
  readonly names: Map<string, number>;
  readonly reply: Promise<Values>;
}

/**
 * Reads values, and asks Redis once for all that is wanted in one turn of the event loop. It is asked after the last of
 * them was named, so nobody is given what was read before they asked.
 */
export class RedisValues {
  readonly #redis: RedisConnection;
  #batch: Batch | null = null;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  /** In the order of the names. */
  async read(names: readonly string[]): Promise<Values> {
    const batch = this.#batch ?? this.#begin();
    this.#batch = batch;
    const places = names.map((name) => placeOf(name, batch));
    const values = await batch.reply;
    return places.map((place) => values[place] ?? null);
  }

  #begin(): Batch {
    const names = new Map<string, number>();
    const reply = new Promise<Values>((resolve) => {
      setImmediate(() => {
        this.#batch = null;
        resolve(this.#redis.mget([...names.keys()]));
      });
    });
    return { names, reply };
  }
}

function placeOf(name: string, { names }: Batch): number {
  const place = names.get(name) ?? names.size;
  names.set(name, place);
  return place;
}
