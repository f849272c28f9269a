import type postgres from 'postgres';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import type { Fields } from './history.ts';
import { BC, LINE, text } from './history.ts';

export interface StoredBc {
  readonly id: number;
  readonly fields: Fields;
  readonly archived: boolean;
  readonly lines: readonly StoredLine[];
}

interface StoredLine {
  readonly id: number;
  readonly bc: number;
  readonly fields: Fields;
  readonly archived: boolean;
}

interface MirrorRow {
  readonly id: number;
  readonly bc: number;
  readonly fields: Fields;
  readonly archived: boolean;
  readonly writeDate: string | null;
}

/** The faults, one sentence each; empty: none. */
export interface MirrorCheck {
  readonly problems: readonly string[];
  readonly bcs: readonly StoredBc[];
}

/** Lines that left their BC count as absent: one that Odoo still has is reported as missing. */
const rows = (sql: postgres.Sql, table: string, bc: string) =>
  sql<MirrorRow[]>`
    select odoo_id::int as id, ${sql(bc)}::int as bc, fields, archived_at is not null as archived,
      to_char(odoo_write_date at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') as "writeDate"
    from ${sql(table)} where archive_reason is distinct from 'removed' order by odoo_id, id`;

/** Compares each row of the mirror with the sandbox's own data: nothing of the product takes part in it. */
export async function checkMirror(sql: postgres.Sql, odoo: SandboxOdoo): Promise<MirrorCheck> {
  const headers = await rows(sql, 'scrap_dimagaz_bc', 'odoo_id');
  const lines = await rows(sql, 'scrap_dimagaz_bc_line', 'bc_odoo_id');
  const known = new Map(headers.map((header) => [header.id, header]));
  const problems = [
    ...compare(odoo, BC, headers),
    ...compare(odoo, LINE, lines),
    ...lines.flatMap((line) => checkOwner(odoo, line, known.get(line.bc))),
  ];
  const byBc = grouped(lines, ({ bc }) => bc);
  const bcs = headers.map((header) => ({ ...header, lines: byBc.get(header.id) ?? [] }));
  return { problems, bcs };
}

export function grouped<T>(items: readonly T[], key: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

function compare(odoo: SandboxOdoo, model: string, stored: readonly MirrorRow[]): string[] {
  const truth = new Map(odoo.read(model, odoo.ids(model)).map((record) => [record.id, record]));
  const seen = new Set<number>();
  const problems: string[] = [];
  for (const { id, fields, archived, writeDate } of stored) {
    if (seen.has(id)) problems.push(`${model} ${id} is in the mirror twice`);
    seen.add(id);
    const record = truth.get(id);
    if (record === undefined) {
      if (!archived) problems.push(`${model} ${id} is gone from Odoo and not archived`);
      continue;
    }
    if (archived) problems.push(`${model} ${id} is archived, and Odoo has it`);
    const differing = fieldsThatDiffer(record, fields);
    if (differing.length > 0) problems.push(`${model} ${id} differs in ${differing.join(', ')}`);
    if (writeDate !== record['write_date'])
      problems.push(`${model} ${id} has the write_date column ${writeDate}`);
  }
  for (const id of truth.keys()) if (!seen.has(id)) problems.push(`${model} ${id} is missing`);
  return problems;
}

function fieldsThatDiffer(record: Fields, stored: Fields): string[] {
  const names = new Set([...Object.keys(record), ...Object.keys(stored)]);
  return [...names].filter((name) => text(record[name]) !== text(stored[name]));
}

function checkOwner(odoo: SandboxOdoo, line: MirrorRow, owner: MirrorRow | undefined): string[] {
  if (owner === undefined) return [`${LINE} ${line.id} is an orphan: BC ${line.bc} is not in the mirror`];
  if (owner.archived !== line.archived)
    return [`${LINE} ${line.id} and its BC ${line.bc} are not archived alike`];
  if (line.archived) return [];
  const [bc] = odoo
    .read(LINE, [line.id])
    .map(({ bc_id: owner }) => (Array.isArray(owner) ? owner[0] : owner));
  return bc === line.bc || bc === undefined
    ? []
    : [`${LINE} ${line.id} is filed under BC ${line.bc}, Odoo has ${String(bc)}`];
}
