import type { MirrorStore } from '../../db/documents/tables.ts';
import {
  archiveAccount,
  archiveSome,
  countArchivable,
  type KeptLines,
  nextArchivable,
} from '../../db/runs/sweep.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import { PasserelleError } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';

/** The deleted BCs that a run found, and its limit. */
interface RefusedBcs {
  readonly gone: number;
  /** Archived earlier, within a day. */
  readonly done: number;
  readonly mirrored: number;
  readonly limit: number;
}

/**
 * The run kept BCs or lines that Odoo no longer shows: Odoo hides them from its user, or they exceed the limit of one
 * run.
 *
 * @fix Check which records ODOO_USER may read. If they were deleted on purpose, run `passerelle sync --sweep --force`.
 */
export class SweepBreakerError extends PasserelleError {
  readonly code = 'sweep_breaker';
  constructor(bcs: RefusedBcs | null, lines: KeptLines | null) {
    const kept = [
      ...(bcs === null
        ? []
        : [
            `Nothing was archived: ${bcs.gone} of ${bcs.mirrored} BCs are gone from Odoo or hidden from its user, and ` +
              `runs archive at most ${bcs.limit} in a day (SWEEP_MAX_SHARE, SWEEP_MAX_COUNT)` +
              `${bcs.done === 0 ? '' : ` and have archived ${bcs.done} already`}.`,
          ]),
      ...(lines === null
        ? []
        : [
            `The mirror kept ${lines.lines} lines of ${lines.documents} BCs that Odoo no longer shows: its user may not ` +
              'read them, or more are gone than one run removes (SWEEP_MAX_SHARE, SWEEP_MAX_COUNT).',
          ]),
    ];
    super(
      `${kept.join(' ')} Check what the user of ODOO_USER may read. If they were deleted on purpose, run ` +
        'passerelle sync --sweep --force, or POST {"mode":"sweep","force":true}.',
    );
  }
}

/**
 * The run found BCs deleted in Odoo, but the mirror has newer sequence numbers for them, from before PostgreSQL lost
 * commits. They were not archived.
 *
 * @fix Nothing: the next sweep checks them again. If it ends the same way, run `passerelle verify`.
 */
export class GoneNotArchivedError extends PasserelleError {
  readonly code = 'gone_not_archived';
  constructor(bcs: number) {
    super(
      `${bcs === 1 ? '1 BC is' : `${bcs} BCs are`} gone from Odoo but not archived, because the mirror has later ` +
        'sequence numbers for them: PostgreSQL lost commits. The next sweep checks them again; if it ends the same ' +
        'way, run passerelle verify.',
    );
  }
}

/**
 * A sweep did not read BCs with an open failure, because their next try is later.
 *
 * @fix Nothing: later runs read them. `passerelle failures` lists them, and `passerelle retry --all` reads them at
 * once.
 */
export class PausedFailuresError extends PasserelleError {
  readonly code = 'paused_failures';
  constructor(bcs: number) {
    super(
      `${bcs === 1 ? '1 BC with an open failure was' : `${bcs} BCs with an open failure were`} not read, because the ` +
        'next try is later: see passerelle failures. To read them at once, run passerelle retry --all.',
    );
  }
}

/** Sweeps find deleted BCs, and single runs name their BCs. Other modes leave archiving to the next sweep. */
export function archives({ mode }: Pick<SyncLogRow, 'mode'>): boolean {
  return mode === 'sweep' || mode === 'single';
}

/** Where archiving continues. */
export interface ArchivePosition {
  /** The last id of the previous step; null at the beginning. */
  readonly after: number | null;
  /** The next BCs, if Odoo was asked about them. Only these are archived next. */
  readonly asked: AskedBcs | null;
}

interface AskedBcs {
  readonly odooIds: readonly number[];
  /** Those that Odoo still has. */
  readonly outOfScope: ReadonlySet<number>;
}

export const ARCHIVE_START: ArchivePosition = { after: null, asked: null };

/** How far the archiving of a run got. */
interface ArchiveStep {
  /** Null if there is no next step. */
  readonly next: ArchivePosition | null;
  /** The BCs to ask Odoo about before the next step; empty: none. */
  readonly toAsk: readonly number[];
  /** The breaker forbids it, and nothing was archived. */
  readonly refused: RefusedBcs | null;
}

/**
 * One step of archiving the deleted BCs of a run without open items. Call it in a transaction that has locked the run.
 * The first step (`after` null) asks the breaker, which must count the whole mirror.
 *
 * If the mirror has a domain, a BC that Odoo does not list may be outside of it. The step then ends with `toAsk`, because
 * a transaction must not wait for Odoo, and the next step archives these BCs (`askAbout`).
 */
export async function archiveStep(
  store: MirrorStore,
  { settings, definition }: SyncContext,
  run: SyncLogRow,
  position: ArchivePosition,
): Promise<ArchiveStep> {
  const { after, asked } = position;
  if (after === null) {
    const pending = await countArchivable(store, run.id);
    if (pending === 0) return NO_STEP;
    const { done, mirrored } = await archiveAccount(store, run);
    const limit = archiveLimit(mirrored, settings);
    if (!run.force && pending + done > limit) {
      return { ...NO_STEP, refused: { gone: pending, done, mirrored, limit } };
    }
  }
  const odooIds = asked?.odooIds ?? (await nextArchivable(store, run.id, after ?? 0));
  const last = odooIds.at(-1);
  if (last === undefined) return NO_STEP;
  if (asked === null && definition.domain.length > 0) return { ...NO_STEP, next: position, toAsk: odooIds };
  await archiveSome(store, run.id, odooIds, asked?.outOfScope ?? NONE);
  return { ...NO_STEP, next: { after: last, asked: null } };
}

const NONE: ReadonlySet<number> = new Set();

/** Asks Odoo which of these BCs exist outside the domain of the mirror. */
export async function askAbout(
  { source, definition }: SyncContext,
  odooIds: readonly number[],
): Promise<AskedBcs> {
  return { odooIds, outOfScope: await source.exists(definition.model, odooIds) };
}

/** SWEEP_MAX_COUNT counts for at most half of a small mirror, so the last BC never leaves without `force`. */
function archiveLimit(
  mirrored: number,
  { sweepMaxShare, sweepMaxCount }: Pick<SyncContext['settings'], 'sweepMaxShare' | 'sweepMaxCount'>,
): number {
  const share = Math.floor((mirrored * sweepMaxShare) / 100);
  return Math.max(share, Math.min(sweepMaxCount, Math.floor(mirrored / 2)));
}

export const NO_STEP: ArchiveStep = { next: null, toAsk: [], refused: null };
