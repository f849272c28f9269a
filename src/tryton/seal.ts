import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';

/** Encrypts texts so that only who knows the password can read them. */
export interface Seal {
  /** Names password and salt together without telling them. Hexadecimal. */
  readonly fingerprint: string;
  /** @param name where the text will be kept: it cannot be opened anywhere else. */
  close(text: string, name: string): string;
  /** Null for what was not closed by this seal under this name, or was changed since. */
  open(sealed: string, name: string): string | null;
}

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const FINGERPRINT_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** 32 MB and some 0.1 s for each guess at a password by who has read a fingerprint. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 };

/**
 * Derives key and fingerprint by scrypt, in a thread of its own; to be done once.
 *
 * @param salt no secret: whose password it is.
 */
export async function createSeal(password: string, salt: string): Promise<Seal> {
  const derived = await derive(password, salt, KEY_BYTES + FINGERPRINT_BYTES);
  const key = derived.subarray(0, KEY_BYTES);
  return {
    fingerprint: derived.subarray(KEY_BYTES).toString('hex'),
    close: (text, name) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(name));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
    },
    open: (sealed, name) => {
      const bytes = Buffer.from(sealed, 'base64');
      try {
        const iv = bytes.subarray(0, IV_BYTES);
        const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
        decipher.setAAD(Buffer.from(name)).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
        const body = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES));
        return Buffer.concat([body, decipher.final()]).toString('utf8');
      } catch {
        return null;
      }
    },
  };
}

function derive(password: string, salt: string, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, COST, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
