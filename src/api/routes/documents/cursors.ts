import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { FeedPosition } from '../../../db/documents/change-feed.ts';
import type { Position } from '../../../db/documents/keyset-pagination.ts';
import { BadCursorError } from '../../errors.ts';
import { NO_NUL } from '../../schemas.ts';

const cursorContent = z.tuple([z.string(), z.string().nullable(), z.int().min(1), z.string()]);

/**
 * A position as an opaque text. `list` identifies the list (sort, filters), so that the cursor of another list is
 * refused. The digest detects mistakes, not forgery: a cursor gives the same access as a filter.
 */
export function writeCursor(list: unknown, { key, odooId, snapshot }: Position): string {
  const position = [key, odooId, snapshot] as const;
  return Buffer.from(JSON.stringify([digest(list, position), ...position])).toString('base64url');
}

/** @throws BadCursorError */
export function readCursor(list: unknown, cursor: string): Position {
  const parsed = cursorContent.safeParse(parse(cursor));
  if (!parsed.success) throw new BadCursorError('list');
  const [proof, key, odooId, snapshot] = parsed.data;
  if (proof !== digest(list, [key, odooId, snapshot])) throw new BadCursorError('list');
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

/** A 64-bit transaction id has less than 19 digits in practice. */
const xid = z.string().regex(/^\d{1,18}$/);
const odooId = z.int().min(0);
const feedCursorContent = z.tuple([z.string().max(64).regex(NO_NUL), xid, odooId, xid, odooId]);

/** A position in the change feed as an opaque text. */
export function writeFeedCursor({ epoch, caughtUp, ...at }: FeedPosition): string {
  const position = [epoch, at.xid, at.odooId, caughtUp.xid, caughtUp.odooId];
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws BadCursorError */
export function readFeedCursor(cursor: string): FeedPosition {
  const parsed = feedCursorContent.safeParse(parse(cursor));
  if (!parsed.success) throw new BadCursorError('feed');
  const [epoch, atXid, atId, knownXid, knownId] = parsed.data;
  return { epoch, xid: atXid, odooId: atId, caughtUp: { xid: knownXid, odooId: knownId } };
}
