import type { Queue } from 'bullmq';
import { z } from 'zod';

/** What keeps the mirror itself in order, and starts by a schedule. */
export const UPKEEP_QUEUE = 'upkeep';

export const upkeepPayload = z.object({ task: z.literal('prune') });
export type UpkeepPayload = z.infer<typeof upkeepPayload>;
export type UpkeepQueue = Queue<UpkeepPayload>;
