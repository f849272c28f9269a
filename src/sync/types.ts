import type { StoredHeader, StoredLine } from '../db/documents/stored-documents.ts';
import type { Reading, RecordToStore } from '../db/documents/writes.ts';
import { BC_KEY } from '../db/schema/sync.ts';
import type { OdooFields, OdooRecord } from '../odoo/types.ts';

/** One kind of document that is mirrored: a header model, its line model, and the state key. */
export interface DocumentDefinition {
  readonly key: string;
  readonly model: string;
  readonly lineModel: string;
  /** The header's one2many to take where several lead to the line model. */
  readonly linesField?: string | undefined;
  /** False: the contents of binary fields are left out. */
  readonly binaries: boolean;
}

/** The bons de commande, or whichever header and lines the configuration names. */
export function bcDefinition(
  { model, lineModel, linesField }: Pick<DocumentDefinition, 'model' | 'lineModel' | 'linesField'>,
  { binaries }: Pick<DocumentDefinition, 'binaries'>,
): DocumentDefinition {
  return { key: BC_KEY, model, lineModel, linesField, binaries };
}

/** One model of the document: which fields to ask for, and which of all are binaries, asked for or not. */
export interface MirroredModel {
  readonly name: string;
  readonly fields: OdooFields;
  readonly requested: readonly string[];
  readonly binaries: readonly string[];
}

/** The document as `fields_get` describes it. */
export interface DocumentModel {
  readonly header: MirroredModel;
  readonly line: MirroredModel;
  /** The header's one2many that holds the lines. */
  readonly linesField: string;
  /** The line's many2one to its header. */
  readonly inverse: string;
}

/**
 * Lines that the mirror has and that a reading of their BC lacks.
 *
 * Odoo's `search` leaves out a line that was deleted and a line that a record rule hides alike. Its `read` does not:
 * it ignores an id that does not exist and refuses one that exists and is hidden (14.0, 19.0). A line is removed from
 * the mirror only after this proof.
 */
export interface MissingLines {
  /** Deleted in Odoo, or given to another header there. */
  readonly gone: readonly number[];
  /** Odoo has them and hides them from its user, or their deletion could not be proved. */
  readonly hidden: readonly number[];
}

/** A header with the lines that were read for it. */
export interface HeaderAndLines {
  readonly header: OdooRecord;
  readonly lines: readonly OdooRecord[];
}

/** A BC as it was read. Binary fields hold Odoo's size texts, not their contents. */
export interface ReadDocument extends HeaderAndLines {
  readonly missing: MissingLines;
}

/** A BC ready to be stored, contents of binaries included. */
export interface PreparedDocument {
  readonly header: RecordToStore;
  readonly lines: readonly RecordToStore[];
  readonly reading: Reading;
  readonly missing: MissingLines;
}

/** The changes that storing a document makes. */
export interface Comparison {
  readonly headerChanged: boolean;
  readonly changed: boolean;
  /** Same content, but saved again in Odoo: dates move, nothing is audited. */
  readonly touched: boolean;
  readonly added: readonly RecordToStore[];
  readonly altered: readonly RecordToStore[];
  readonly touchedLines: readonly RecordToStore[];
  readonly removed: readonly StoredLine[];
  /** Lines that the reading lacks and that stay all the same: Odoo hides them, or the run may not remove so many. */
  readonly kept: readonly StoredLine[];
  /** Lines that the reading lacks and whose deletion was not checked: the mirror got them after the reading. */
  readonly unproven: readonly StoredLine[];
  /** Lines that the mirror still gives another BC. */
  readonly moved: readonly StoredLine[];
  /**
   * Some lines stay with other BCs whose fetches ended after this one began: neither proves which is
   * right.
   */
  readonly overtaken: boolean;
}

/** One BC to be stored, for the run that owes it. */
export interface Entry {
  readonly model: DocumentModel;
  readonly document: PreparedDocument;
  readonly runId: number;
  readonly rpcCalls: number;
}

export type StoreOutcome = 'created' | 'updated' | 'unchanged';

/**
 * `stale`: a fetch that ended after this one began is already stored with other content. `alone`: the
 * document needs its own transaction. Both change nothing.
 */
export type GroupOutcome = StoreOutcome | 'stale' | 'store_singly';

/** An entry with its comparison. */
export interface Planned extends Entry {
  readonly before: StoredHeader | null;
  readonly plan: Comparison;
}

/** A BC on its way into a group. */
export interface GroupItem extends Omit<Entry, 'document'> {
  readonly page: number;
  readonly token: number | null;
  readonly odooId: number;
  /**
   * Null: what its page read is to be stored, and the run was not looked at: it has to be one that is running and holds
   * the lease.
   */
  readonly document: PreparedDocument | null;
}

/**
 * `stale`: a later reading with other content is stored already. `superseded`: the run went to another holder.
 * `apart`: what its page read is not there, or the run is over or needs no lease, so other rules hold for the BC. Of
 * these three nothing is stored.
 */
export type CommitOutcome = StoreOutcome | 'stale' | 'superseded' | 'process_singly';
