import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandIn } from '../../cli/passerelle.ts';
import { type ApiProcess, startApiProcess } from '../../support/api-process.ts';
import { redisUrl } from '../../support/redis.ts';
import { openTestSetup, type TestSetup } from '../../support/test-setup.ts';
import { startWorkerProcess, type WorkerProcess } from '../../support/worker-process.ts';
import { placesOf, type Searched, watchRedis } from './places.ts';

/**
 * Names are planted in fields of every type that can hold one, in headers, lines and labels. Then every table, key, log,
 * export and dump is searched for them. They are nowhere after their record was erased, after a policy was added to a
 * mirror that stored them in plain, and if a policy hides them from the start.
 */

const PARTNER = 'res.partner';
const PERSON = 'privacy.person';
const NOTE = 'privacy.note';
const MIRRORS = ['people', 'partners'] as const;

const PLAIN = `
mirrors:
  people: { model: privacy.person, lines: privacy.note }
  partners: { model: res.partner }
`;
const HIDING = `
mirrors:
  people:
    model: privacy.person
    lines: privacy.note
    fields: { hash: [name, email, origin], mask: [bio, body], drop: [page, secret] }
  partners:
    model: res.partner
    fields: { drop: [name, email, city] }
`;

let setup: TestSetup;
let redis: Redis;
let folder: string;
let env: Record<string, string>;
let command: ReturnType<typeof commandIn>;
let api: ApiProcess;
let worker: WorkerProcess | null = null;
let searched: Searched;
/** Logs that were written before are not rewritten. */
let logged = { api: 0, workers: 0 };
const workers: WorkerProcess[] = [];
const logs = {
  api: () => api.output(),
  workers: () => workers.map((own) => own.output()).join('\n'),
};
const forgetLogs = () => {
  logged = { api: logs.api().length, workers: logs.workers().length };
};

const configure = (file: string) => writeFile(join(folder, 'mirrors.yaml'), file);

async function restartWorker(): Promise<void> {
  worker?.child.kill('SIGTERM');
  await worker?.exit;
  worker = startWorkerProcess({ ...env, LOG_LEVEL: 'debug' });
  workers.push(worker);
}

async function sync(mode: 'full' | 'incremental' | 'sweep' = 'incremental'): Promise<void> {
  const flag = { full: ['--full'], incremental: [], sweep: ['--sweep'] }[mode];
  for (const mirror of MIRRORS) {
    const { code, body } = await command.json('sync', '--mirror', mirror, ...flag);
    expect({ code, body }).toMatchObject({ code: 0, body: { status: 'success' } });
  }
}

/** A person, a partner and the notes about them, with one name everywhere. */
function plant(name: string) {
  const { odoo } = setup;
  const email = `${name}@example.com`;
  const partner = odoo.create(PARTNER, { name, email, city: name });
  const html = `<p>${name}</p>`;
  const person = odoo.create(PERSON, {
    ...{ name, email, bio: `About ${name}.`, page: html, secret: name, origin: `x ${name}` },
    partner_id: partner,
  });
  const friend = odoo.create(PERSON, { name: 'Nobody', friend_id: person, partner_id: partner });
  const note = () =>
    odoo.create(NOTE, { name, body: `${name} said`, page: html, person_id: person, author_id: person });
  const notes = [note(), note()];
  const about = odoo.create(NOTE, {
    name: 'A note',
    person_id: friend,
    author_id: person,
    partner_id: partner,
  });
  return { partner, person, friend, notes, about };
}

/** Changes, so that the audit trail has old and new values, and added, removed and altered lines. */
function change({ person, friend, notes, about }: ReturnType<typeof plant>, name: string): void {
  const { odoo } = setup;
  odoo.write(PERSON, [person], {
    name: `${name} 2`,
    bio: `${name} 2`,
    page: `<b>${name}</b>`,
    secret: `${name} 2`,
  });
  odoo.write(NOTE, [notes[0] ?? 0], { name: `${name} 3`, body: `${name} 3` });
  odoo.unlink(NOTE, [notes[1] ?? 0]);
  odoo.create(NOTE, { name: 'Another note', person_id: friend, author_id: person });
  odoo.write(NOTE, [about], { name: 'Read again' });
}

beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: 0 } });
  const { odoo, database } = setup;
  const text = (string: string) => ({ type: 'char', string }) as const;
  const shared = {
    name: text('Name'),
    page: { type: 'html', string: 'Page' },
    partner_id: { type: 'many2one', string: 'Partner', relation: PARTNER },
  } as const;
  odoo.defineModel({
    name: PERSON,
    description: 'Person',
    fields: {
      ...shared,
      email: text('Email'),
      bio: { type: 'text', string: 'Bio' },
      secret: text('Secret'),
      origin: text('Origin'),
      friend_id: { type: 'many2one', string: 'Friend', relation: PERSON },
      note_ids: { type: 'one2many', string: 'Notes', relation: NOTE, relation_field: 'person_id' },
    },
  });
  odoo.defineModel({
    name: NOTE,
    description: 'Note',
    fields: {
      ...shared,
      body: { type: 'text', string: 'Body' },
      person_id: { type: 'many2one', string: 'Person', relation: PERSON },
      author_id: { type: 'many2one', string: 'Author', relation: PERSON },
    },
  });
  folder = await mkdtemp(join(tmpdir(), 'passerelle-names-'));
  await configure(PLAIN);
  env = {
    ...setup.env,
    MIRRORS_FILE: join(folder, 'mirrors.yaml'),
    FIELD_HASH_KEY: 'a key of the tests with enough letters',
  };
  command = commandIn(env);
  const { body } = await command.json('keys', 'create', '--name', 'reader', '--scope', 'bc:read');
  api = startApiProcess({ ...env, LOG_LEVEL: 'debug' });
  redis = new Redis(redisUrl());
  searched = {
    ...{ database, redis, prefix: env['QUEUE_PREFIX'] ?? '', mirrors: MIRRORS },
    api: { url: String(await api.listening()), authorization: `Bearer ${body.key}` },
    logs: { api: () => logs.api().slice(logged.api), workers: () => logs.workers().slice(logged.workers) },
  };
});
afterAll(async () => {
  for (const own of [worker, api]) own?.child.kill('SIGTERM');
  await Promise.all([worker?.exit, api?.exit]);
  redis?.disconnect();
  await setup?.close();
  await rm(folder, { recursive: true, force: true });
});

/** What Odoo once quoted, in the failure of a BC, the error of a run, and the reason of a job. */
async function quote(name: string, odooId: number): Promise<void> {
  const { client } = setup.database;
  await client`
    insert into sync_failure (key, odoo_id, code, message, run_id, next_attempt_at)
    values ('people', ${odooId}, 'odoo_application_error', ${`Odoo says ${name}`}, 1, now() + interval '1 day')`;
  await client`
    insert into sync_log (key, mode, trigger, status, finished_at, error_code, error_message)
    values ('people', 'incremental', 'cli', 'failed', now(), 'odoo_application_error', ${`Odoo says ${name}`})`;
  const queue = `${env['QUEUE_PREFIX']}:mirror:people:bc`;
  const reason = { failedReason: `Odoo says ${name}`, stacktrace: JSON.stringify([`Error: ${name}`]) };
  await redis.hset(`${queue}:bc-1-${odooId}-0`, {
    ...reason,
    data: JSON.stringify({ odooId }),
    name: 'bc',
    opts: '{}',
  });
  await redis.zadd(`${queue}:failed`, Date.now(), `bc-1-${odooId}-0`);
  await redis.xadd(`${queue}:events`, '*', 'event', 'failed', 'failedReason', `Odoo says ${name}`);
  await redis.hset(
    `${env['QUEUE_PREFIX']}:mirror:people:reading:x:1:0`,
    String(odooId),
    `{"name":"${name}"}`,
  );
}

describe('names that were stored in plain', () => {
  let erased: ReturnType<typeof plant>;
  let hidden: ReturnType<typeof plant>;

  it('are found in tables, dump, exports, feed and Redis', async () => {
    await configure(PLAIN);
    await restartWorker();
    erased = plant('Zqalpha');
    hidden = plant('Zqbeta');
    await sync('full');
    change(erased, 'Zqalpha');
    change(hidden, 'Zqbeta');
    await sync();
    await quote('Zqalpha', erased.person);
    await quote('Zqbeta', hidden.person);
    for (const name of ['zqalpha', 'zqbeta']) {
      const places = (await placesOf(name, searched)).join('\n');
      for (const place of [
        'table public.scrap_privacy_person\n',
        'table public.scrap_privacy_note\n',
        'table public.scrap_privacy_person_audit\n',
        'table public.sync_failure\n',
        'csv',
        'ndjson',
        '/changes',
        ':events',
        ':failed'.replace('failed', 'bc-1-'),
        ':reading:',
      ])
        expect([name, place, places.includes(place)]).toEqual([name, place, true]);
    }
  });

  it('are nowhere after their records were erased', async () => {
    for (const [mirror, id] of [
      ['people', erased.person],
      ['partners', erased.partner],
    ] as const) {
      const { code, body } = await command.json('erase', mirror, String(id), '--yes');
      expect({ code, body }).toMatchObject({ code: 0, body: { isComplete: true } });
    }
    forgetLogs();
    await sync();
    expect(await placesOf('zqalpha', searched)).toEqual([]);
  });

  it('are nowhere after a policy was added', async () => {
    await configure(HIDING);
    forgetLogs();
    await restartWorker();
    await sync();
    // Until then the API may report the run that failed before.
    logged.api = logs.api().length;
    expect(await placesOf('zqbeta', searched)).toEqual([]);
    const [row] = await setup.database.client`
      select (select count(*)::int from scrap_privacy_person_audit where run_id = (select max(id) from sync_log
        where key = 'people')) as audited,
        (select fields->>'bio' from scrap_privacy_person where odoo_id = ${hidden.person}) as bio`;
    expect(row).toEqual({ audited: 0, bio: 'Z***' });
    for (const mirror of MIRRORS)
      expect((await command.json('verify', '--mirror', mirror)).body).toMatchObject({ ok: true });
  });
});

describe('names that come after the policies', () => {
  it('are stored, queued, logged and returned nowhere', async () => {
    const stop = await watchRedis(redis, ['zqgamma']);
    const planted = plant('Zqgamma');
    await sync();
    change(planted, 'Zqgamma');
    await sync();
    const end = setup.odoo.faults.denyRecord(PERSON, planted.person);
    setup.odoo.write(PERSON, [planted.person], { name: 'Zqgamma 4' });
    expect((await command.json('sync', '--mirror', 'people')).body).toMatchObject({ failed: 1 });
    end();
    expect((await command.json('retry', '--all', '--mirror', 'people')).body).toMatchObject({
      openFailures: 0,
    });
    await sync('sweep');
    expect(await placesOf('zqgamma', searched)).toEqual([]);
    expect(stop()).toEqual([]);
    for (const mirror of MIRRORS)
      expect((await command.json('verify', '--mirror', mirror)).body).toMatchObject({ ok: true });
  });
});
