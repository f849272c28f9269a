import type { Job } from 'bullmq';
import type { UpkeepPayload } from '../src/queues/upkeep.ts';
import { upkeepPayload } from '../src/queues/upkeep.ts';
import type { Mirror } from '../src/sync/mirror.ts';
import type { Pruned } from '../src/sync/prune.ts';
import { prune } from '../src/sync/prune.ts';

/** Removes what is kept too long, and says what. A worker that is to stop leaves the rest to the next prune. */
export async function handleUpkeep(
  mirror: Mirror,
  job: Job<UpkeepPayload>,
  stopping: AbortSignal,
): Promise<Pruned> {
  upkeepPayload.parse(job.data);
  const pruned = await prune(mirror, stopping);
  if (Object.values(pruned).some((rows) => rows > 0)) mirror.log.info({ ...pruned }, 'pruned');
  return pruned;
}
