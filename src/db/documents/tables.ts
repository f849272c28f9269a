import type { TableNames } from '../../shared/mirror-names.ts';
import type { Queryable } from '../client.ts';
import { type AuditTable, auditLog, auditTable } from '../schema/audit.ts';
import { bc, bcLine, type HeaderTable, headerTable, type LineTable, lineTable } from '../schema/documents.ts';

/** The tables that each mirror has of its own, so that no query of one mirror can reach the documents of another. */
export interface MirrorTables {
  readonly header: HeaderTable;
  readonly line: LineTable;
  readonly audit: AuditTable;
}

/** A connection and the tables of one mirror: the first parameter of every query on documents. */
export interface MirrorStore<Db extends Queryable = Queryable> extends MirrorTables {
  readonly db: Db;
}

/** The tables of the mirror `bc`, which migrations create. */
const BC_TABLES: MirrorTables = { header: bc, line: bcLine, audit: auditLog };

export const bcStore = <Db extends Queryable>(db: Db): MirrorStore<Db> => ({ ...BC_TABLES, db });

/** The tables with these names. Those of the mirror `bc` are its own. */
export function tablesNamed(names: TableNames): MirrorTables {
  return {
    header: headerTable(names.header),
    line: lineTable(names.line),
    audit: auditTable(names.audit),
  };
}
