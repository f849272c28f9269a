import { readFile, rename, writeFile } from 'node:fs/promises';
import { connect, dataOf } from './client.ts';
import type { paths } from './schema.ts';

type Changes = paths['/api/v1/bc/changes']['get']['responses'][200]['content']['application/json'];

/** The known BCs and the cursor, in one file, so that both always match. */
interface Copy {
  cursor: string | null;
  bcs: Record<string, Changes['items'][number]>;
}

const file = process.argv[2] ?? 'copy.json';
const client = connect();

async function load(): Promise<Copy> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Copy;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { cursor: null, bcs: {} };
    throw error;
  }
}

async function save(copy: Copy): Promise<void> {
  await writeFile(`${file}.part`, JSON.stringify(copy));
  await rename(`${file}.part`, file);
}

let copy = await load();
const counts = { created: 0, updated: 0, archived: 0 };
let more = true;
while (more) {
  const after = copy.cursor === null ? {} : { after: copy.cursor };
  const page = dataOf(
    await client.GET('/api/v1/bc/changes', { params: { query: { ...after, limit: 500, include: 'lines' } } }),
  );
  // The feed restarted: delete the orders that it no longer contains.
  if (page.restarted) copy = { cursor: null, bcs: {} };
  for (const bc of page.items) {
    counts[bc.action] += 1;
    copy.bcs[bc.odooId] = bc;
  }
  copy.cursor = page.nextCursor;
  more = page.hasMore;
  await save(copy);
}
process.stdout.write(`${JSON.stringify({ ...counts, known: Object.keys(copy.bcs).length })}\n`);
