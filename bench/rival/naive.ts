import type postgres from 'postgres';
import xmlrpc from 'xmlrpc';

/**
 * The plan that this project replaces, written straight: XML-RPC by the `xmlrpc` package's own client, pages of 100 by
 * limit and offset, one call for the lines of each BC, one upsert for each BC and each line, all awaited one after
 * another. It is written as a beginner would write it, and not made slower on purpose. It leaves out the work
 * that is more than copying: queue, audit, hashes, deletions, retries.
 */

export interface NaiveOdoo {
  readonly url: string;
  readonly db: string;
  readonly user: string;
  /** Password or API key. */
  readonly password: string;
}

export interface NaiveResult {
  readonly seconds: number;
  readonly documents: number;
  readonly lines: number;
}

interface Row {
  readonly id: number;
  readonly [field: string]: postgres.JSONValue;
}

type Execute = (
  model: string,
  domain: readonly unknown[],
  named: Readonly<Record<string, unknown>>,
) => Promise<Row[]>;

const MODEL = 'dimagaz.bc';
const LINE_MODEL = 'dimagaz.bc.line';
const INVERSE = 'bc_id';
const PAGE = 100;

/** Its tables, in a database of its own. */
export async function createNaiveTables(sql: postgres.Sql): Promise<void> {
  await sql`create table naive_bc (odoo_id bigint primary key, data jsonb not null, synced_at timestamptz not null)`;
  await sql`create table naive_bc_line (odoo_id bigint primary key, bc_id bigint not null, data jsonb not null,
    synced_at timestamptz not null)`;
}

/**
 * Copies the first `most` BC. Pages by offset get slower the further they reach, so a sample flatters it.
 *
 * @throws Error as the two packages throw it.
 */
export async function naiveSync(sql: postgres.Sql, odoo: NaiveOdoo, most: number): Promise<NaiveResult> {
  const start = performance.now();
  const execute = await signIn(odoo);
  let documents = 0;
  let lines = 0;
  for (let offset = 0; documents < most; offset += PAGE) {
    const limit = Math.min(PAGE, most - documents);
    const page = await execute(MODEL, [], { offset, limit, order: 'id' });
    for (const bc of page) {
      await sql`insert into naive_bc (odoo_id, data, synced_at) values (${bc.id}, ${sql.json(bc)}, now())
        on conflict (odoo_id) do update set data = excluded.data, synced_at = excluded.synced_at`;
      for (const line of await execute(LINE_MODEL, [[INVERSE, '=', bc.id]], {})) {
        await sql`insert into naive_bc_line (odoo_id, bc_id, data, synced_at)
          values (${line.id}, ${bc.id}, ${sql.json(line)}, now())
          on conflict (odoo_id) do update set bc_id = excluded.bc_id, data = excluded.data,
            synced_at = excluded.synced_at`;
        lines += 1;
      }
      documents += 1;
    }
    if (page.length < limit) break;
  }
  return { seconds: (performance.now() - start) / 1000, documents, lines };
}

async function signIn({ url, db, user, password }: NaiveOdoo): Promise<Execute> {
  const call = (service: string) => {
    const { protocol, hostname, port, pathname } = new URL(url);
    const secure = protocol === 'https:';
    const create = secure ? xmlrpc.createSecureClient : xmlrpc.createClient;
    const client = create({
      host: hostname,
      port: port === '' ? (secure ? 443 : 80) : Number(port),
      path: `${pathname.replace(/\/+$/, '')}/xmlrpc/2/${service}`,
    });
    return (method: string, params: readonly unknown[]) =>
      new Promise<unknown>((resolve, reject) => {
        client.methodCall(method, params, (error, value) => (error ? reject(error) : resolve(value)));
      });
  };
  const uid = await call('common')('authenticate', [db, user, password, {}]);
  const object = call('object');
  // Archived records too, as the mirror has them.
  const context = { active_test: false };
  return async (model, domain, named) => {
    const keywords = { ...named, context };
    return (await object('execute_kw', [
      db,
      uid,
      password,
      model,
      'search_read',
      [domain],
      keywords,
    ])) as Row[];
  };
}
