import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { connect, dataOf } from './client.ts';

/** Writes every BC into a file that a French Excel opens. The name is the file's only once it is whole. */
const file = process.argv[2] ?? 'bc.csv';
const body = dataOf(
  await connect().GET('/api/v1/bc/export', {
    params: { query: { format: 'csv', bom: 'true', delimiter: 'semicolon', decimal: 'comma' } },
    parseAs: 'stream',
  }),
);
await pipeline(Readable.fromWeb(body as ReadableStream), createWriteStream(`${file}.part`));
await rename(`${file}.part`, file);
process.stdout.write(`${file}\n`);
