import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';

const grantee = sql`case a.grantee when 0 then 'public' else quote_ident(r.rolname) end`;
/** Roles that were dropped, and ourselves, need no word. */
const others = sql`(a.grantee = 0 or r.rolname <> current_user)`;

/** The statements that give others on a new view what they may do with the one that stands there. */
export async function grantsOf(
  db: Queryable,
  view: string,
  columns: readonly { readonly name: string }[],
): Promise<string[]> {
  const kept = JSON.stringify(columns.map(({ name }) => name));
  const option = sql`case when a.is_grantable then ' with grant option' else '' end`;
  return statements(
    db,
    sql`
      select format('grant %s on %s to %s%s', a.privilege_type, ${view}::text, ${grantee}, ${option}) as statement
      from pg_class as c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as a
        left join pg_roles as r on r.oid = a.grantee
      where c.oid = ${view}::regclass and ${others}
      union all
      select format('grant %s (%I) on %s to %s%s', a.privilege_type, t.attname, ${view}::text, ${grantee}, ${option})
      from pg_attribute as t, aclexplode(t.attacl) as a left join pg_roles as r on r.oid = a.grantee
      where t.attrelid = ${view}::regclass and ${others}
        and t.attname in (select jsonb_array_elements_text(${kept}::jsonb))`,
  );
}

/** The statements that take from others what they may do with a view. */
export async function revokeAll(db: Queryable, view: string): Promise<string[]> {
  return statements(
    db,
    sql`
      select distinct format('revoke all on %s from %s', ${view}::text, ${grantee}) as statement
      from pg_class as c, aclexplode(c.relacl) as a left join pg_roles as r on r.oid = a.grantee
      where c.oid = ${view}::regclass and ${others}`,
  );
}

async function statements(db: Queryable, query: ReturnType<typeof sql>): Promise<string[]> {
  return (await db.execute<{ statement: string }>(query)).map(({ statement }) => statement);
}
