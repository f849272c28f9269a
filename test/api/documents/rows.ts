import { sql } from 'drizzle-orm';
import type { Queryable } from '../../../src/db/client.ts';
import { saveFields } from '../../../src/db/odoo-model/fields.ts';
import { auditLog, bc, bcLine } from '../../../src/db/schema/index.ts';
import type { OdooFields, OdooRecord } from '../../../src/odoo/types.ts';

const types = {
  id: 'integer',
  name: 'char',
  display_name: 'char',
  note: 'text',
  state: 'selection',
  amount_total: 'monetary',
  quantity: 'integer',
  urgent: 'boolean',
  partner_id: 'many2one',
  tag_ids: 'many2many',
  line_ids: 'one2many',
  date_order: 'datetime',
  day: 'date',
  scan: 'binary',
  write_date: 'datetime',
} as const;

const fields: OdooFields = Object.fromEntries(
  Object.entries(types).map(([name, type]) => [name, { name, type, string: name }]),
);

/** The header model of these tests, in the form of `fields_get`. */
export const saveTestFields = (db: Queryable): Promise<void> =>
  saveFields(db, 'dimagaz.bc', fields, new Date());

const read = () => ({ fetchSeq: 1, fetchedAt: new Date(), syncedAt: new Date(), contentHash: 'hash' });

type Fields = Readonly<Omit<Partial<OdooRecord>, 'id'>>;

/** A BC as the mirror stores a new one: with the row of its audit trail. */
export async function insertBc(
  db: Queryable,
  odooId: number,
  given: Fields,
  columns: Partial<typeof bc.$inferInsert> = {},
): Promise<void> {
  const record = { id: odooId, ...given } as OdooRecord;
  await db.insert(bc).values({ odooId, fields: record, ...read(), ...columns });
  await db.insert(auditLog).values({ odooId, runId: 1, action: 'created', changes: {} });
}

/** A change of header fields as the mirror stores one: content, transaction and audit trail together. */
export async function changeBc(db: Queryable, odooId: number, change: Fields): Promise<void> {
  const patch = JSON.stringify(change);
  await db.execute(sql`
    insert into ${auditLog} (odoo_id, run_id, action, changes)
    select odoo_id, 2, 'updated', jsonb_build_object('header', (
      select jsonb_object_agg(key, jsonb_build_object('old', fields -> key, 'new', value)) from jsonb_each(${patch}::jsonb)))
    from ${bc} where odoo_id = ${odooId}`);
  await db.execute(sql`
    update ${bc} set fields = fields || ${patch}::jsonb, changed_xid = pg_current_xact_id(), changed_at = now()
    where odoo_id = ${odooId}`);
}

export async function insertLine(
  db: Queryable,
  odooId: number,
  bcOdooId: number,
  archived: boolean | 'removed' = false,
) {
  await db.insert(bcLine).values({
    odooId,
    bcOdooId,
    fields: { id: odooId, name: `line ${odooId}` },
    ...read(),
    archivedAt: archived === false ? null : new Date(),
    archiveReason: archived === 'removed' ? 'removed' : null,
  });
}
