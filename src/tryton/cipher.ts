import { createCipheriv, createDecipheriv, hash, randomBytes, scrypt } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** Encrypts texts with a key that is derived from the password of the Tryton user. */
export interface Cipher {
  /** A fingerprint of password and user that does not reveal them. Hexadecimal. */
  readonly fingerprint: string;
  /** @param name the place of the text; it cannot be decrypted in another place. */
  encrypt(text: string, name: string): Buffer;
  /** Null if the bytes were not encrypted by this cipher under this name, or were changed. */
  decrypt(sealed: Buffer, name: string): string | null;
}

/** The account of the texts: a cipher with another password cannot decrypt them. */
export interface CipherOptions {
  readonly server: string;
  readonly user: string;
  readonly password: string;
}

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const FINGERPRINT_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const BODY_AT = IV_BYTES + TAG_BYTES;

/** 32 MB and about 0.1 s for each guess of a password by an attacker with a fingerprint. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 };

/** The stores of a process have the same password, and share its cipher. */
const MAX_CIPHERS = 16;

/** By a digest of the options. */
const ciphers = new LRUCache<string, Promise<Cipher>>({ max: MAX_CIPHERS });

/** A function that returns the cipher. Its first call derives the key, and so does the next call after a failure. */
export function lazyCipher(options: CipherOptions): () => Promise<Cipher> {
  const { server, user, password } = options;
  const name = hash('sha256', JSON.stringify([server, user, password]));
  return () => {
    const known = ciphers.get(name);
    if (known !== undefined) return known;
    const made = createCipher(options);
    ciphers.set(name, made);
    made.catch(() => ciphers.delete(name));
    return made;
  };
}

/** Derives key and fingerprint by scrypt, in a thread of its own. The salt is not secret: it names user and server. */
async function createCipher({ server, user, password }: CipherOptions): Promise<Cipher> {
  const derived = await derive(password, JSON.stringify([server, user]), KEY_BYTES + FINGERPRINT_BYTES);
  const key = derived.subarray(0, KEY_BYTES);
  return {
    fingerprint: derived.subarray(KEY_BYTES).toString('hex'),
    encrypt: (text, name) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
      const body = cipher.setAAD(Buffer.from(name)).update(text, 'utf8');
      cipher.final();
      return Buffer.concat([iv, cipher.getAuthTag(), body]);
    },
    decrypt: (sealed, name) => {
      try {
        const iv = sealed.subarray(0, IV_BYTES);
        const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
        decipher.setAAD(Buffer.from(name)).setAuthTag(sealed.subarray(IV_BYTES, BODY_AT));
        const body = decipher.update(sealed.subarray(BODY_AT));
        // Throws if the bytes were changed. It returns no text then, because GCM has no blocks to fill.
        decipher.final();
        return body.toString('utf8');
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
