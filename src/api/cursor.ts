import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Position } from '../db/documents-order.ts';
import { BadCursorError } from './errors.ts';

const content = z.tuple([z.string(), z.string().nullable(), z.int().min(1), z.string()]);

/**
 * A position as an opaque text. `list` is whatever decides which list it is (sort, filters): the cursor of one list is
 * refused by another. The digest finds mistakes, not forgers: a cursor opens nothing that a filter would not.
 */
export function writeCursor(list: unknown, { key, odooId, snapshot }: Position): string {
  const position = [key, odooId, snapshot] as const;
  return Buffer.from(JSON.stringify([digest(list, position), ...position])).toString('base64url');
}

/** @throws BadCursorError */
export function readCursor(list: unknown, cursor: string): Position {
  const parsed = content.safeParse(parse(cursor));
  if (!parsed.success) throw new BadCursorError();
  const [proof, key, odooId, snapshot] = parsed.data;
  if (proof !== digest(list, [key, odooId, snapshot])) throw new BadCursorError();
  return { key, odooId, snapshot };
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null;
  }
}

function digest(list: unknown, position: readonly unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([list, position]))
    .digest('base64url')
    .slice(0, 22);
}
