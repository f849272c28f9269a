import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Redis } from 'ioredis';
import type { TestSetup } from '../../support/test-setup.ts';

const run = promisify(execFile);

/** All that may hold the content of a record. */
export interface Searched {
  readonly database: TestSetup['database'];
  readonly redis: Redis;
  readonly prefix: string;
  readonly api: { readonly url: string; readonly authorization: string };
  readonly mirrors: readonly string[];
  /** The output of processes, by name. */
  readonly logs: Readonly<Record<string, () => string>>;
}

/**
 * Every place that contains a text, in any case of its letters: tables, a dump, keys of Redis, exports, the change feed
 * and logs.
 */
export async function placesOf(text: string, searched: Searched): Promise<string[]> {
  const found: string[] = [];
  const isIn = (place: string, content: string) => {
    if (content.toLowerCase().includes(text.toLowerCase())) found.push(place);
  };
  for (const { name, content } of await relations(searched)) isIn(`table ${name}`, content);
  const dump = await dumpOf(searched.database.url);
  if (dump !== null) isIn('dump', dump);
  for await (const { key, content } of keysOf(searched)) isIn(`key ${key}`, `${key} ${content}`);
  for (const { path, content } of await answers(searched)) isIn(path, content);
  for (const [name, output] of Object.entries(searched.logs)) isIn(`log ${name}`, output());
  return found;
}

/** Every row of every table and view, as text. */
async function relations({ database: { client } }: Searched) {
  const names = await client<{ name: string }[]>`
    select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace as space on space.oid = relnamespace
    where relkind in ('r', 'v', 'm', 'p') and nspname not in ('pg_catalog', 'information_schema', 'pg_toast')`;
  return Promise.all(
    names.map(async ({ name }) => {
      const rows = await client<{ text: string }[]>`select r::text as text from ${client.unsafe(name)} as r`;
      return { name, content: rows.map((row) => row.text).join('\n') };
    }),
  );
}

/** Null: there is no `pg_dump` on this machine, or it is too old for the server. The tables as text are enough then. */
async function dumpOf(url: string): Promise<string | null> {
  try {
    return (await run('pg_dump', ['--inserts', url], { maxBuffer: 256 * 1024 * 1024 })).stdout;
  } catch {
    return null;
  }
}

async function* keysOf({ redis, prefix }: Searched) {
  for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 500 }) as AsyncIterable<string[]>) {
    for (const key of keys) yield { key, content: JSON.stringify(await contentOf(redis, key)) };
  }
}

async function contentOf(redis: Redis, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, 0, -1, 'WITHSCORES');
    case 'stream':
      return redis.xrange(key, '-', '+');
    case 'none':
      return null;
    default:
      throw new Error(`${key} is a ${type}`);
  }
}

async function answers({ api, mirrors }: Searched) {
  const paths = mirrors.flatMap((mirror) => {
    const base = `/api/v1/mirrors/${mirror}/documents`;
    return [
      `${base}/export?format=csv&archived=include`,
      `${base}/export?format=csv&of=lines&archived=include`,
      `${base}/export?format=ndjson&include=lines&archived=include`,
      `${base}/changes?include=lines&limit=200`,
    ];
  });
  const found: { readonly path: string; readonly content: string }[] = [];
  // A key has one export at a time.
  for (const path of paths) {
    const answer = await fetch(`${api.url}${path}`, { headers: { authorization: api.authorization } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    found.push({ path, content: await answer.text() });
  }
  return found;
}

/** Records every command of Redis that contains one of these texts, until the returned function is called. */
export async function watchRedis(redis: Redis, texts: readonly string[]): Promise<() => string[]> {
  const seen: string[] = [];
  const monitor = await redis.monitor();
  monitor.on('monitor', (_time: string, args: string[]) => {
    const command = args.join(' ');
    if (texts.some((text) => command.toLowerCase().includes(text.toLowerCase())))
      seen.push(command.slice(0, 300));
  });
  return () => {
    monitor.disconnect();
    return seen;
  };
}
