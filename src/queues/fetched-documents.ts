import { z } from 'zod';
import type { RedisConnection } from './redis.ts';

/** One record that was read and prepared for storing. */
const keptRecord = z.object({
  odooId: z.int(),
  createDate: z.string().nullable(),
  writeDate: z.string().nullable(),
  contentHash: z.string(),
  binarySizes: z.record(z.string(), z.string()).default({}),
});

const keptHead = z.object({
  model: z.string(),
  fetchSeq: z.int(),
  /** A page job of the previous version did not set it. */
  endSeq: z.int().optional(),
  fetchedAt: z.string(),
  /**
   * Ids of lines that are in the mirror but not in the reading. A page job of the previous version did not ask for
   * them.
   */
  gone: z.array(z.int()).readonly().default([]),
  hidden: z.array(z.int()).readonly().default([]),
  records: z.array(keptRecord).min(1),
});

const keptHeadJson = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue('it is not JSON');
      return z.NEVER;
    }
  })
  .pipe(keptHead);

/** A record with all its fields as one line of JSON. */
interface KeptRecord extends z.infer<typeof keptRecord> {
  readonly json: string;
}

/** A BC as a page read it: the header, then its lines. `model` is the digest of the description that was valid then. */
export interface FetchedDocument extends Omit<z.infer<typeof keptHead>, 'records'> {
  readonly records: readonly KeptRecord[];
}

/** The page and the run that read them. */
export interface ReadingPlace {
  /** The installation: run ids and pages of two installations are equal. */
  readonly mirror: string;
  readonly runId: number;
  readonly page: number;
}

/** The stored form of a reading: a line that describes it, and one line for each record's fields. */
export function readingBytes({ records, ...head }: FetchedDocument): Buffer {
  const described = records.map(({ json: _, binarySizes, ...record }) =>
    Object.keys(binarySizes).length === 0 ? record : { ...record, binarySizes },
  );
  const lines = [JSON.stringify({ ...head, records: described }), ...records.map(({ json }) => json)];
  return Buffer.from(lines.join('\n'));
}

/** Null if it is not in the format of this version. */
function parsedReading(text: string): FetchedDocument | null {
  const [first = '', ...jsons] = text.split('\n');
  const head = keptHeadJson.safeParse(first);
  if (!head.success || head.data.records.length !== jsons.length) return null;
  return {
    ...head.data,
    records: head.data.records.map((record, at) => ({ ...record, json: jsons[at] ?? '' })),
  };
}

/** A job that waits longer than this, in seconds, reads its BC itself. */
const TTL_SECONDS = 3600;

/**
 * Keeps fetched documents until their jobs store them: one Redis hash for each page, beside the queues. So jobs stay
 * small, and a group of jobs loads its documents with one command. A missing document is fetched from Odoo again.
 */
export class FetchedDocumentBuffer {
  readonly #redis: RedisConnection;
  readonly #prefix: string;

  constructor(redis: RedisConnection, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  /** Stores readings, by the id of the BC, as `readingBytes` wrote them. */
  async put(place: ReadingPlace, readings: ReadonlyMap<number, Buffer>): Promise<void> {
    if (readings.size === 0) return;
    const key = this.#key(place);
    const replies = await this.#redis.pipeline().hset(key, readings).expire(key, TTL_SECONDS).exec();
    for (const [error] of replies ?? []) if (error !== null) throw error;
  }

  /** The fetched documents of these BCs, by id. */
  async getMany(place: ReadingPlace, odooIds: readonly number[]): Promise<Map<number, FetchedDocument>> {
    const readings = new Map<number, FetchedDocument>();
    if (odooIds.length === 0) return readings;
    const texts = await this.#redis.hmget(this.#key(place), ...odooIds.map(String));
    for (const [at, odooId] of odooIds.entries()) {
      const text = texts[at];
      const reading = typeof text === 'string' ? parsedReading(text) : null;
      if (reading !== null) readings.set(odooId, reading);
    }
    return readings;
  }

  /** Deletes the readings of the run's pages. If this fails, they expire after an hour. */
  async delete(run: Omit<ReadingPlace, 'page'>, pages: readonly number[]): Promise<void> {
    if (pages.length > 0) await this.#redis.unlink(pages.map((page) => this.#key({ ...run, page })));
  }

  #key({ mirror, runId, page }: ReadingPlace): string {
    return `${this.#prefix}:reading:${mirror}:${runId}:${page}`;
  }
}
