import type { RetentionConfig, SyncConfig } from '../config.ts';
import type { Database } from '../db/connection.ts';
import type { EndedRun } from '../db/ended-run.ts';
import type { Log } from '../logger.ts';
import type { OdooClient } from '../odoo/types.ts';
import type { Queues } from '../queues/queues.ts';
import type { ContentRoom } from './content-room.ts';
import type { DocumentDefinition } from './document.ts';
import type { CommitOutcome, GroupItem } from './group-commit.ts';
import type { Grouping } from './grouping.ts';
import type { ModelMemory } from './model.ts';

/** Everything the mirror's rules work with. One for each process. */
export interface Mirror {
  readonly definition: DocumentDefinition;
  readonly db: Database;
  readonly odoo: OdooClient;
  readonly models: ModelMemory;
  /** Where contents of binary fields are held on their way into PostgreSQL. */
  readonly room: ContentRoom;
  /** Where BCs that are stored at the same time meet. */
  readonly groups: Grouping<GroupItem, CommitOutcome>;
  readonly queues: Queues;
  readonly settings: SyncConfig;
  readonly retention: RetentionConfig;
  readonly log: Log;
  /** Told of each run that this process brings to its end, once that is certain. */
  readonly onRunEnded: (run: EndedRun) => void;
}
