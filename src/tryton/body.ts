import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { errorCode } from '../errors.ts';
import { TooLong } from './exchange.ts';

/** By `Content-Encoding`. Each stops as soon as `maxOutputLength` is passed, so a bomb costs no more than that. */
const DECODERS = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

export const ENCODINGS = 'gzip, deflate, br';

/** The answer's bytes are not what its headers say; the message says in what. */
export class BrokenBody extends Error {
  override readonly name = 'BrokenBody';
}

/** The text of an answer, decompressed to at most `longest` bytes. Throws TooLong and BrokenBody. */
export async function bodyText(body: Buffer, encoding: string | undefined, longest: number): Promise<string> {
  const plain = await decompressed(body, (encoding ?? 'identity').trim().toLowerCase(), longest);
  try {
    return UTF8.decode(plain);
  } catch {
    throw new BrokenBody('it is not UTF-8');
  }
}

async function decompressed(body: Buffer, encoding: string, longest: number): Promise<Buffer> {
  if (encoding === 'identity' || encoding === '') return body;
  if (!isKnown(encoding)) throw new BrokenBody(`its Content-Encoding ${encoding.slice(0, 40)} is unknown`);
  try {
    return await DECODERS[encoding](body, { maxOutputLength: longest });
  } catch (error) {
    const code = errorCode(error);
    throw code === 'ERR_BUFFER_TOO_LARGE'
      ? new TooLong()
      : new BrokenBody(`its ${encoding} is damaged (${code})`);
  }
}

function isKnown(encoding: string): encoding is keyof typeof DECODERS {
  return Object.hasOwn(DECODERS, encoding);
}
