import type postgres from 'postgres';
import type { SandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import type { Queues } from '../../../src/queues/queues.ts';
import { BC, type Fields, type History, LINE, text } from '../odoo/history.ts';
import { OTHER_MIRRORS, type OtherMirror } from '../odoo/other-models.ts';
import { AuditReplay, type Entry, type StoredBc } from './audit-replay.ts';

/** Rows that must not be left at the end: jobs, leases, open runs and items, unreported failures. */
export async function checkLedger(sql: postgres.Sql, queues: readonly Queues[]): Promise<string[]> {
  const problems = (await Promise.all(queues.map(jobsLeft))).flat();
  const expectNone = async (what: string, query: postgres.PendingQuery<postgres.Row[]>) => {
    const found = await query;
    if (found.length > 0) problems.push(`${found.length} ${what}: ${JSON.stringify(found.slice(0, 3))}`);
  };
  await expectNone(
    'leases held',
    sql`select key, lease_run_id from sync_state where is_syncing or lease_run_id is not null`,
  );
  await expectNone(
    'runs not over',
    sql`select id, mode, status from sync_log where status in ('queued', 'running')`,
  );
  await expectNone(
    'runs that failed without a reason',
    sql`select id from sync_log where status = 'failed' and coalesce(error_code, '') = ''`,
  );
  await expectNone(
    'items open in runs that ended well',
    sql`select run_id, odoo_id from sync_run_item join sync_log on id = run_id
      where state = 'open' and status in ('success', 'partial')`,
  );
  await expectNone(
    'failed items without a failure',
    sql`select run_id, odoo_id from sync_run_item as item join sync_log as run on run.id = item.run_id
      where state = 'failed' and not exists (select 1 from sync_failure as failure
        where failure.key = run.key and failure.odoo_id = item.odoo_id)`,
  );
  await expectNone(
    'failures of BCs that can be read again',
    sql`select key, odoo_id, code, message from sync_failure where resolved_at is null`,
  );
  for (const table of [
    'scrap_dimagaz_bc',
    'scrap_dimagaz_bc_line',
    ...OTHER_MIRRORS.map(({ table }) => table),
  ])
    await expectNone(
      `doubled rows of ${table}`,
      sql`select odoo_id from ${sql(table)} group by 1 having count(*) > 1`,
    );
  return problems;
}

async function jobsLeft(queues: Queues): Promise<string[]> {
  const problems: string[] = [];
  for (const queue of [queues.sync, queues.pages, queues.bc]) {
    const counts = await queue.getJobCounts(
      'waiting',
      'active',
      'delayed',
      'prioritized',
      'waiting-children',
    );
    const left = Object.entries(counts).filter(([, count]) => count > 0);
    if (left.length > 0)
      problems.push(`jobs left in ${queue.name}: ${JSON.stringify(Object.fromEntries(left))}`);
  }
  return problems;
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
  /** The BCs whose own rows are wrong. */
  readonly wrong: readonly number[];
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
  const wrong = compare(odoo, BC, headers);
  const problems = [
    ...[...wrong, ...compare(odoo, LINE, lines)].map(({ model, id, fault }) => `${model} ${id} ${fault}`),
    ...lines.flatMap((line) => checkOwner(odoo, line, known.get(line.bc))),
  ];
  const byBc = grouped(lines, ({ bc }) => bc);
  const bcs = headers.map((header) => ({ ...header, lines: byBc.get(header.id) ?? [] }));
  return { problems, wrong: wrong.map(({ id }) => id), bcs };
}

/** The same for a mirror without lines. */
export async function checkOther(
  sql: postgres.Sql,
  odoo: SandboxOdoo,
  { model, table, has }: OtherMirror,
): Promise<MirrorCheck> {
  const headers = await rows(sql, table, 'odoo_id');
  const wrong = compare(odoo, model, headers, has);
  return {
    problems: wrong.map(({ id, fault }) => `${model} ${id} ${fault}`),
    wrong: wrong.map(({ id }) => id),
    bcs: headers.map((header) => ({ ...header, lines: [] })),
  };
}

function grouped<T>(items: readonly T[], key: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}

interface WrongRow {
  readonly model: string;
  readonly id: number;
  readonly fault: string;
}

function compare(
  odoo: SandboxOdoo,
  model: string,
  stored: readonly MirrorRow[],
  has: (record: Fields) => boolean = () => true,
): WrongRow[] {
  const records = odoo.read(model, odoo.ids(model)).filter(has);
  const truth = new Map(records.map((record) => [record.id, record]));
  const seen = new Set<number>();
  const wrong: WrongRow[] = [];
  const add = (id: number, fault: string) => wrong.push({ model, id, fault });
  for (const { id, fields, archived, writeDate } of stored) {
    if (seen.has(id)) add(id, 'is in the mirror twice');
    seen.add(id);
    const record = truth.get(id);
    if (record === undefined) {
      if (!archived) add(id, 'is gone from Odoo and not archived');
      continue;
    }
    if (archived) add(id, 'is archived, and Odoo has it');
    const differing = fieldsThatDiffer(record, fields);
    if (differing.length > 0) add(id, `differs in ${differing.join(', ')}`);
    if (writeDate !== record['write_date']) add(id, `has the write_date column ${writeDate}`);
  }
  for (const id of truth.keys()) if (!seen.has(id)) add(id, 'is missing');
  return wrong;
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

/** Lines that a rule only hid for a while must not have left their BC in the audit trail. */
export async function checkHiddenLines(sql: postgres.Sql, lines: readonly number[]): Promise<string[]> {
  const rows = await sql<{ bc: number; line: number }[]>`
    select odoo_id::int as bc, (removed->>'id')::int as line
    from audit_log, jsonb_array_elements(changes->'linesRemoved') as removed
    where removed->'id' in (select jsonb_array_elements(${JSON.stringify(lines)}::jsonb))`;
  return rows.map(({ bc, line }) => `${LINE} ${line} left BC ${bc} while a rule hid it`);
}

interface EntryRow extends Entry {
  readonly bc: number;
}

export interface TrailCheck {
  readonly entries: number;
  readonly problems: readonly string[];
  /** The problems with changes that it repeats. */
  readonly twice: readonly string[];
}

/**
 * Plays the audit trail of each BC backwards from the mirror. Each entry names the state before and after
 * it; a change that is missing or recorded twice breaks this chain. Each state that an entry left must have
 * been in Odoo before the entry was written: that finds a change missing next to `created`, which holds no content.
 */
export async function checkTrail(
  sql: postgres.Sql,
  bcs: readonly StoredBc[],
  history: History,
  { model, audit }: Pick<OtherMirror, 'model' | 'audit'> = { model: BC, audit: 'audit_log' },
): Promise<TrailCheck> {
  const rows = await sql<EntryRow[]>`
    select odoo_id::int as bc, id::int, action, changes, (extract(epoch from at) * 1000)::float8 as "at"
    from ${sql(audit)} order by odoo_id, id desc`;
  const trails = grouped(rows, ({ bc }) => bc);
  const problems = bcs.flatMap((bc) => replay(bc, trails.get(bc.id) ?? [], history, model));
  const known = new Set(bcs.map(({ id }) => id));
  for (const id of trails.keys()) if (!known.has(id)) problems.push(`${model} ${id} has a trail and no row`);
  const twice = [...trails].flatMap(([bc, newestFirst]) =>
    newestFirst
      .filter((entry, at) => isRepeated(entry, newestFirst[at + 1]))
      .map(({ id }) => `${model} ${bc}: entry ${id} repeats the one before it`),
  );
  return { entries: rows.length, problems: [...problems, ...twice], twice };
}

function isRepeated(entry: Entry, before: Entry | undefined): boolean {
  return (
    before !== undefined && entry.action === before.action && text(entry.changes) === text(before.changes)
  );
}

/** `newestFirst`: the whole trail of one BC. */
function replay(bc: StoredBc, newestFirst: readonly Entry[], history: History, model: string): string[] {
  const replay = new AuditReplay(bc, history, model);
  for (const entry of newestFirst) replay.undo(entry);
  replay.expectNothingBefore();
  return replay.problems.map((problem) => `${model} ${bc.id}: ${problem}`);
}
