import { hash, randomBytes, randomInt } from 'node:crypto';

/** An API key as its holder has it, and what of it is kept. */
export interface KeyText {
  /** The secret itself. */
  readonly key: string;
  /** The part that finds its row, and that people may see. */
  readonly prefix: string;
  /** SHA-256 of the whole key, in hexadecimal. */
  readonly hash: string;
}

const SHAPE = /^psl_([a-z]{8})_[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;
/** Letters only, so that no prefix reads as the id of a key. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';

/** A new key: `psl_`, eight letters that name it, `_`, 256 random bits. */
export function newKeyText(): KeyText {
  const prefix = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  const key = `psl_${prefix}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { key, prefix, hash: sha256(key) };
}

/** Null for what cannot be a key. */
export function readKeyText(text: string): KeyText | null {
  const [key, prefix] = SHAPE.exec(text) ?? [];
  return key === undefined || prefix === undefined ? null : { key, prefix, hash: sha256(key) };
}

function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}
