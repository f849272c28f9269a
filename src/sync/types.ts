import type { MirrorSettings } from '../config/index.ts';
import type { Reading } from '../db/documents/fetch-sequence.ts';
import { keyOf } from '../db/documents/mirrors.ts';
import type { StoredHeader, StoredLine } from '../db/documents/stored-documents.ts';
import type { RecordToStore } from '../db/documents/writes.ts';
import { NO_LINES_MODEL } from '../odoo/fields.ts';
import type { Domain, OdooFields, OdooRecord } from '../odoo/types.ts';

/** The models that a mirror copies. */
export interface DocumentDefinition {
  readonly name: string;
  /** The key of its state, runs and failures. */
  readonly key: string;
  readonly model: string;
  readonly lineModel: string;
  /** The one2many of the header; needed if several lead to the line model. */
  readonly linesField?: string | undefined;
  /** False: the contents of binary fields are left out. */
  readonly binaries: boolean;
  /** Only these records of the header model belong to the mirror; empty: all. */
  readonly domain: Domain;
}

export function definitionOf({
  name,
  model,
  lineModel,
  linesField,
  binaries,
  domain,
}: MirrorSettings): DocumentDefinition {
  const lines = { lineModel: lineModel ?? NO_LINES_MODEL, linesField };
  return { name, key: keyOf(name), model, ...lines, binaries, domain };
}

/** One model of the document: the requested fields, and all binary fields, requested or not. */
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
  /** The one2many of the header that contains the lines; empty if the mirror has no lines. */
  readonly linesField: string;
  /** The many2one of the line to its header; empty if the mirror has no lines. */
  readonly inverse: string;
}

/**
 * Lines that the mirror has and that a reading of their BC lacks.
 *
 * `search` of Odoo leaves out both a deleted line and a line that a record rule hides. Its `read` does not: it ignores
 * an id that does not exist, and refuses one that exists and is hidden (14.0, 19.0). A line is removed from the mirror
 * only after this proof.
 */
export interface MissingLines {
  /** Deleted in Odoo, or moved to another header there. */
  readonly gone: readonly number[];
  /** Odoo hides them from its user, or their deletion could not be proved. */
  readonly hidden: readonly number[];
}

/** A header with the lines that were read for it. */
export interface HeaderAndLines {
  readonly header: OdooRecord;
  readonly lines: readonly OdooRecord[];
}

/** A BC that was read. Binary fields contain size texts of Odoo, not their contents. */
export interface ReadDocument extends HeaderAndLines {
  readonly missing: MissingLines;
}

/** A BC ready to be stored, including contents of binaries. */
export interface PreparedDocument {
  readonly header: RecordToStore;
  readonly lines: readonly RecordToStore[];
  readonly reading: Reading;
  readonly missing: MissingLines;
}

/** The changes that storing a document makes. */
export interface Comparison {
  /**
   * The lines of another document that had this id, because Odoo was restored from a backup; null: the same document,
   * or the first one.
   */
  readonly former: readonly StoredLine[] | null;
  readonly headerChanged: boolean;
  readonly changed: boolean;
  /** Same content, but saved again in Odoo: only dates change, and nothing is audited. */
  readonly touched: boolean;
  readonly added: readonly RecordToStore[];
  readonly altered: readonly RecordToStore[];
  readonly touchedLines: readonly RecordToStore[];
  readonly removed: readonly StoredLine[];
  /** Lines that the reading lacks and that stay: Odoo hides them, or the run may not remove so many. */
  readonly kept: readonly StoredLine[];
  /** Lines that the reading lacks and whose deletion was not checked, because the mirror got them after the reading. */
  readonly unproven: readonly StoredLine[];
  /** Lines that the mirror still has with another BC. */
  readonly moved: readonly StoredLine[];
  /** Some lines stay with other BCs whose fetches ended after this one began: it is not known which fetch is right. */
  readonly overtaken: boolean;
}

/** One BC to store, for the run that has it in its ledger. */
export interface Entry {
  readonly model: DocumentModel;
  readonly document: PreparedDocument;
  readonly runId: number;
  /** The fencing token of its job. A run that another holder has is not changed. Unset: not checked. */
  readonly token?: number | null;
  readonly rpcCalls: number;
}

export type StoreOutcome = 'created' | 'updated' | 'unchanged';

/**
 * `stale`: a fetch that ended after this one began is already stored with other content. `alone`: the document needs
 * its own transaction. `superseded`: another holder has the run. All change nothing.
 */
export type GroupOutcome = StoreOutcome | 'stale' | 'store_singly' | 'superseded';

/** An entry with its comparison. */
export interface Planned extends Entry {
  readonly before: StoredHeader | null;
  readonly plan: Comparison;
}

/** A BC that waits for its group. */
export interface GroupItem extends Omit<Entry, 'document'> {
  readonly page: number;
  readonly token: number | null;
  readonly odooId: number;
  /**
   * Null: the reading of its page is to be stored, and the run was not checked. The run must be running and hold the
   * lease.
   */
  readonly document: PreparedDocument | null;
}

/**
 * `stale`: a later reading with other content is already stored. `superseded`: another holder has the run. `apart`: the
 * reading of its page is missing, or the run has ended or needs no lease, so other rules apply. In these three cases
 * nothing is stored.
 */
export type CommitOutcome = Exclude<GroupOutcome, 'store_singly'> | 'process_singly';
