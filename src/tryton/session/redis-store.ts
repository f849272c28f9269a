import { randomUUID } from 'node:crypto';
import { type Cipher, type CipherOptions, lazyCipher } from '../cipher.ts';
import { connectionOf, type RedisConnection } from '../redis.ts';
import type { OpenCircuit, ReleaseLogin, Session, SessionStore } from '../types.ts';

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

interface RedisSessionOptions extends CipherOptions {
  readonly prefix: string;
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
  readonly #seal: () => Promise<Cipher>;

  constructor(redis: RedisConnection, { prefix, ...whose }: RedisSessionOptions) {
    this.#redis = redis;
    this.#connected = connectionOf(redis, CONNECT_MS);
    this.#prefix = `${prefix}:tryton`;
    this.#seal = lazyCipher(whose);
  }

  async prepare(): Promise<void> {
    await this.#seal();
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
    const sealed = seal.encrypt(JSON.stringify(value), key).toString('base64');
    await this.#redis.set(key, sealed, 'PX', Math.max(1, Math.ceil(ttlMs)));
  }

  async #place(name: Name): Promise<{ key: string; seal: Cipher }> {
    await this.#connected();
    const seal = await this.#seal();
    return { key: `${this.#prefix}:${name}:${seal.fingerprint}`, seal };
  }
}

/** Null if another process wrote the value, with another key. */
function opened(seal: Cipher, sealed: string, key: string): unknown {
  const text = seal.decrypt(Buffer.from(sealed, 'base64'), key);
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
