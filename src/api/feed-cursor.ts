import { z } from 'zod';
import type { FeedPosition } from '../db/feed.ts';
import { BadFeedCursorError } from './errors.ts';
import { NO_NUL } from './schemas.ts';

/** Transaction ids have 64 bits; none will ever need 19 digits. */
const xid = z.string().regex(/^\d{1,18}$/);
const odooId = z.int().min(0);
const content = z.tuple([z.string().max(64).regex(NO_NUL), xid, odooId, xid, odooId]);

/** A position in the change feed as an opaque text. */
export function writeFeedCursor({ epoch, caughtUp, ...at }: FeedPosition): string {
  const position = [epoch, at.xid, at.odooId, caughtUp.xid, caughtUp.odooId];
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws BadFeedCursorError */
export function readFeedCursor(cursor: string): FeedPosition {
  const parsed = content.safeParse(parse(cursor));
  if (!parsed.success) throw new BadFeedCursorError();
  const [epoch, atXid, atId, knownXid, knownId] = parsed.data;
  return { epoch, xid: atXid, odooId: atId, caughtUp: { xid: knownXid, odooId: knownId } };
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null;
  }
}
