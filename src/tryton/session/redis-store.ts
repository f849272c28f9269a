import { createCipheriv, createDecipheriv, randomBytes, randomUUID, scrypt } from 'node:crypto';
import { connectionOf, type RedisConnection } from '../store-guard.ts';
import type { OpenCircuit, ReleaseLogin, Session, SessionStore } from '../types.ts';

/** Encrypts texts with a key derived from the password. */
interface Cipher {
  /** A fingerprint of password and salt that does not reveal them. Hexadecimal. */
  readonly fingerprint: string;
  /** @param name the place of the text; it cannot be decrypted in another place. */
  encrypt(text: string, name: string): string;
  /** Null if the text was not encrypted by this cipher under this name, or was changed. */
  decrypt(sealed: string, name: string): string | null;
}

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const FINGERPRINT_BYTES = 16;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** 32 MB and about 0.1 s for each guess of a password by an attacker with a fingerprint. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 };

/**
 * Derives key and fingerprint by scrypt, in a thread of its own; to be done once.
 *
 * @param salt not secret: it names the user and the server.
 */
async function createCipher(password: string, salt: string): Promise<Cipher> {
  const derived = await derive(password, salt, KEY_BYTES + FINGERPRINT_BYTES);
  const key = derived.subarray(0, KEY_BYTES);
  return {
    fingerprint: derived.subarray(KEY_BYTES).toString('hex'),
    encrypt: (text, name) => {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(name));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64');
    },
    decrypt: (sealed, name) => {
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

/** The claim of a dead process expires; a living process extends it. */
const CLAIM_MS = 10_000;
const KEEP_ALIVE_MS = 3000;

/** How long to wait for a new connection. */
const CONNECT_MS = 1000;

/** Extends our claim, or takes it again if Redis lost it. */
const EXTEND = `local held = redis.call('get', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
return redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])`;

/** Deletes a value only if it is still the known one. */
const DELETE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

interface RedisSessionOptions {
  readonly prefix: string;
  readonly server: string;
  readonly user: string;
  readonly password: string;
}

type Name = 'session' | 'circuit' | 'claim';

/**
 * Shares a session between processes through Redis, below `<prefix>:tryton:`. The value is encrypted with a key derived
 * from the password, and key names reveal neither server nor user. With another password it is another session.
 */
export function createRedisSessionStore(redis: RedisConnection, options: RedisSessionOptions): SessionStore {
  return new RedisSessionStore(redis, options);
}

class RedisSessionStore implements SessionStore {
  readonly #redis: RedisConnection;
  readonly #connected: () => Promise<void>;
  readonly #prefix: string;
  readonly #makeSeal: () => Promise<Cipher>;
  #seal: Promise<Cipher> | null = null;

  constructor(redis: RedisConnection, { prefix, server, user, password }: RedisSessionOptions) {
    this.#redis = redis;
    this.#connected = connectionOf(redis, CONNECT_MS);
    this.#prefix = `${prefix}:tryton`;
    this.#makeSeal = () => createCipher(password, JSON.stringify([server, user]));
  }

  async read(): Promise<Session | null> {
    return sessionIn(await this.#readSealed('session'));
  }

  async write(session: Session, ttlMs: number): Promise<void> {
    await this.#writeSealed('session', session, ttlMs);
  }

  async remove(session: Session): Promise<void> {
    const { key, seal } = await this.#place('session');
    const sealed = await this.#redis.get(key);
    if (sealed !== null && sessionIn(opened(seal, sealed, key))?.key === session.key)
      await this.#redis.eval(DELETE, 1, key, sealed);
  }

  async claimLogin(): Promise<ReleaseLogin | null> {
    const { key } = await this.#place('claim');
    const token = randomUUID();
    const release = async () => void (await this.#redis.eval(DELETE, 1, key, token));
    const claim = this.#redis.set(key, token, 'PX', CLAIM_MS, 'NX');
    // Without a reply, the claim may exist all the same.
    claim.catch(() => release().catch(() => {}));
    if ((await claim) === null) return null;
    // A claim that cannot be extended expires. Then another process signs in too, which is harmless.
    const extend = () => this.#redis.eval(EXTEND, 1, key, token, CLAIM_MS);
    const timer = setInterval(() => extend().catch(() => {}), KEEP_ALIVE_MS).unref();
    return () => {
      clearInterval(timer);
      return release();
    };
  }

  async readCircuit(): Promise<OpenCircuit | null> {
    return circuitIn(await this.#readSealed('circuit'));
  }

  async openCircuit(circuit: OpenCircuit, ttlMs: number): Promise<void> {
    await this.#writeSealed('circuit', circuit, ttlMs);
  }

  async #readSealed(name: Name): Promise<unknown> {
    const { key, seal } = await this.#place(name);
    const sealed = await this.#redis.get(key);
    return sealed === null ? null : opened(seal, sealed, key);
  }

  async #writeSealed(name: Name, value: object, ttlMs: number): Promise<void> {
    const { key, seal } = await this.#place(name);
    const sealed = seal.encrypt(JSON.stringify(value), key);
    await this.#redis.set(key, sealed, 'PX', Math.max(1, Math.ceil(ttlMs)));
  }

  async #place(name: Name): Promise<{ key: string; seal: Cipher }> {
    await this.#connected();
    this.#seal ??= this.#makeSeal().catch((error: unknown) => {
      this.#seal = null;
      throw error;
    });
    const seal = await this.#seal;
    return { key: `${this.#prefix}:${name}:${seal.fingerprint}`, seal };
  }
}

/** Null if another process wrote the value, with another key. */
function opened(seal: Cipher, sealed: string, key: string): unknown {
  const text = seal.decrypt(sealed, key);
  return text === null ? null : JSON.parse(text);
}

function sessionIn(value: unknown): Session | null {
  const { login, userId, key, createdAt } = membersOf(value);
  if (typeof login !== 'string' || typeof userId !== 'number') return null;
  return typeof key === 'string' && typeof createdAt === 'number' ? { login, userId, key, createdAt } : null;
}

function circuitIn(value: unknown): OpenCircuit | null {
  const { until, code, reason } = membersOf(value);
  if (typeof until !== 'number' || typeof code !== 'string') return null;
  return typeof reason === 'string' ? { until, code, reason } : null;
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
