/**
 * The mirror: planning, fetch, store and the life of runs. Callers use `create-context.ts` (a worker or a command),
 * `request-run.ts` (the API, which must load no Odoo code) and the functions of `runs`, `fetch`, `store`,
 * `maintenance`.
 *
 * | run is    | event                                                | becomes                                |
 * | --------- | ---------------------------------------------------- | -------------------------------------- |
 * | `queued`  | its job takes the lease                              | `running`; the planner writes items    |
 * | `queued`  | another run holds the lease                          | `skipped`                              |
 * | `running` | no item is open                                      | `success`; `partial` if an item failed |
 * |           |                                                      | or a breaker kept BCs or lines         |
 * | `running` | planning failed, a page failed, Odoo is unavailable  | `failed`; the next run continues it    |
 * | `running` | the settings name another source than the mirror has | `failed`; nothing was stored           |
 *
 * | page is   | event                                                | becomes                                |
 * | --------- | ---------------------------------------------------- | -------------------------------------- |
 * | `planned` | fewer than SYNC_PAGES_IN_FLIGHT pages are queued     | `queued`                               |
 * | `queued`  | none of its items is open                            | `done`                                 |
 * | `queued`  | Redis lost its jobs                                  | `queued` with the next generation      |
 *
 * | item is   | event                                                | becomes                                |
 * | --------- | ---------------------------------------------------- | -------------------------------------- |
 * | `open`    | its BC is stored                                     | `created`, `updated` or `unchanged`    |
 * | `open`    | Odoo does not have the BC                            | `gone`                                 |
 * | `gone`    | the run archives it                                  | `archived`                             |
 * | `gone`    | a resumed run has to check it again                  | `open`                                 |
 * | `open`    | its job failed for the last time                     | `failed`; a later run retries the BC   |
 * | `failed`  | a retry of its job stores the BC                     | `created`, `updated` or `unchanged`    |
 *
 * Invariants: items are written before anything is queued; every write that changes a run checks the fencing token of
 * its lease; a BC and its ledger item change in one transaction.
 *
 * ```ts
 * const { mirrors } = openMirrors(config, log, defer);
 * await startRun(mirrors[0], run);
 * ```
 */
import type { RetentionConfig, SyncConfig } from '../config/index.ts';
import type { Database } from '../db/client.ts';
import type { MirrorStore } from '../db/documents/tables.ts';
import type { EndedRun } from '../db/runs/runs.ts';
import type { Queues } from '../queues/queues.ts';
import type { Log } from '../shared/logger.ts';
import type { Semaphore } from '../shared/semaphore.ts';
import type { ModelMemory } from './model/document-model.ts';
import type { FieldRules } from './privacy/policy-changes.ts';
import type { SourceMemory } from './source/identity.ts';
import type { Source } from './source/source.ts';
import type { Batcher } from './store/batcher.ts';
import type { CommitOutcome, DocumentDefinition, GroupItem } from './types.ts';

/** The settings of all mirrors, with the pace of this one. */
export interface MirrorRunSettings extends SyncConfig {
  /** The share of all BCs that each sweep reads again; 0: none. */
  readonly sweepReread: number;
}

/** The dependencies of a mirror, with its tables. One for each mirror of a process. */
export interface SyncContext extends MirrorStore<Database> {
  readonly definition: DocumentDefinition;
  /** Where documents are read from, as this mirror sees it. */
  readonly source: Source;
  /** The fields that the configuration hides. They decide how stored values are rewritten. */
  readonly rules: FieldRules;
  readonly models: ModelMemory;
  readonly sources: SourceMemory;
  /** Where contents of binary fields are held on their way into PostgreSQL. */
  readonly contentMemory: Semaphore;
  /** Collects BCs that are stored together. */
  readonly groups: Batcher<GroupItem, CommitOutcome>;
  readonly queues: Queues;
  readonly settings: MirrorRunSettings;
  readonly retention: RetentionConfig;
  readonly log: Log;
  /** Called after each run that this process has ended. */
  readonly onRunEnded: (run: EndedRun) => void;
}
