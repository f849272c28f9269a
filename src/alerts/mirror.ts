import type { Queryable } from '../db/connection.ts';
import type { Finding } from './finding.ts';
import { failedRuns, partialRuns, trippedBreaker } from './runs.ts';
import type { Staleness } from './stale.ts';
import { staleMirror } from './stale.ts';

/** How the mirror `key` stands, by what its runs left in the database. */
export async function mirrorFindings(db: Queryable, key: string, settings: Staleness): Promise<Finding[]> {
  return [
    ...(await failedRuns(db, key)),
    await partialRuns(db, key),
    await trippedBreaker(db, key),
    await staleMirror(db, key, settings),
  ];
}
