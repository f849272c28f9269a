import type { RetentionConfig, SyncConfig } from '../config/index.ts';
import type { Database } from '../db/client.ts';
import type { EndedRun } from '../db/runs/runs.ts';
import type { OdooClient } from '../odoo/types.ts';
import type { Queues } from '../queues/queues.ts';
import type { Log } from '../shared/logger.ts';
import type { Semaphore } from '../shared/semaphore.ts';
import type { ModelMemory } from './model/document-model.ts';
import type { Batcher } from './store/batcher.ts';
import type { CommitOutcome, DocumentDefinition, GroupItem } from './types.ts';

/** Everything the mirror's rules work with. One for each process. */
export interface SyncContext {
  readonly definition: DocumentDefinition;
  readonly db: Database;
  readonly odoo: OdooClient;
  readonly models: ModelMemory;
  /** Where contents of binary fields are held on their way into PostgreSQL. */
  readonly contentMemory: Semaphore;
  /** Where BCs that are stored at the same time meet. */
  readonly groups: Batcher<GroupItem, CommitOutcome>;
  readonly queues: Queues;
  readonly settings: SyncConfig;
  readonly retention: RetentionConfig;
  readonly log: Log;
  /** Told of each run that this process brings to its end, once that is certain. */
  readonly onRunEnded: (run: EndedRun) => void;
}
