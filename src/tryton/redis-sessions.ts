import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { delay } from '../retry.ts';
import type { Seal } from './seal.ts';
import { createSeal } from './seal.ts';
import type { OpenCircuit, ReleaseLogin, Session, SessionStore } from './types.ts';

/** A process that died leaves a claim that runs out; a living one keeps it alive. */
const CLAIM_MS = 10_000;
const KEEP_ALIVE_MS = 3000;

/** A connection with the role `cache` gives up within a moment; a session is worth a little more patience. */
const TRIES = 3;
const PAUSE_MS = 150;

/** Extends or gives up a claim only while it is still ours. */
const EXTEND = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0`;
const RELEASE = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`;

export interface RedisSessionOptions {
  readonly prefix: string;
  readonly server: string;
  readonly user: string;
  readonly password: string;
}

type Name = 'session' | 'circuit' | 'claim';

/**
 * Shares a session between processes through Redis, below `<prefix>:tryton:`. What is kept is sealed with a key made of
 * the password, and key names tell neither server nor user: with another password it is another session.
 */
export function createRedisSessionStore(redis: Redis, options: RedisSessionOptions): SessionStore {
  return new RedisSessionStore(redis, options);
}

class RedisSessionStore implements SessionStore {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #makeSeal: () => Promise<Seal>;
  #seal: Promise<Seal> | null = null;

  constructor(redis: Redis, { prefix, server, user, password }: RedisSessionOptions) {
    this.#redis = redis;
    this.#prefix = `${prefix}:tryton`;
    this.#makeSeal = () => createSeal(password, JSON.stringify([server, user]));
  }

  async read(): Promise<Session | null> {
    return sessionIn(await this.#readSealed('session'));
  }

  async write(session: Session, ttlMs: number): Promise<void> {
    await this.#writeSealed('session', session, ttlMs);
  }

  /** Not in one step: a session written in between is lost to the others, who then sign in once more. */
  async remove(session: Session): Promise<void> {
    const kept = await this.read();
    if (kept?.key === session.key) await this.#ask('session', (key) => this.#redis.del(key));
  }

  async claimLogin(): Promise<ReleaseLogin | null> {
    const token = randomUUID();
    const claimed = await this.#ask('claim', (key) => this.#redis.set(key, token, 'PX', CLAIM_MS, 'NX'));
    // The reply to a first try may have been lost on the way.
    const ours = claimed === 'OK' || (await this.#ask('claim', (key) => this.#redis.get(key))) === token;
    if (!ours) return null;
    const extend = () => this.#ask('claim', (key) => this.#redis.eval(EXTEND, 1, key, token, CLAIM_MS));
    // A claim that cannot be kept alive runs out; then another process signs in too, which does no harm.
    const timer = setInterval(() => extend().catch(() => {}), KEEP_ALIVE_MS);
    timer.unref();
    return async () => {
      clearInterval(timer);
      await this.#ask('claim', (key) => this.#redis.eval(RELEASE, 1, key, token));
    };
  }

  async readCircuit(): Promise<OpenCircuit | null> {
    return circuitIn(await this.#readSealed('circuit'));
  }

  async openCircuit(circuit: OpenCircuit): Promise<void> {
    await this.#writeSealed('circuit', circuit, Math.max(1, circuit.until - Date.now()));
  }

  async #readSealed(name: Name): Promise<unknown> {
    const { sealed, key } = await this.#ask(name, async (at) => ({
      sealed: await this.#redis.get(at),
      key: at,
    }));
    const text = sealed === null ? null : (await this.#sealOnce()).open(sealed, key);
    return text === null ? null : JSON.parse(text);
  }

  async #writeSealed(name: Name, value: object, ttlMs: number): Promise<void> {
    const seal = await this.#sealOnce();
    await this.#ask(name, (key) =>
      this.#redis.set(key, seal.close(JSON.stringify(value), key), 'PX', Math.max(1, Math.ceil(ttlMs))),
    );
  }

  /** Tries again after a moment: Redis may just be connecting, or this process may just have been busy. */
  async #ask<T>(name: Name, work: (key: string) => Promise<T>): Promise<T> {
    const { fingerprint } = await this.#sealOnce();
    const key = `${this.#prefix}:${name}:${fingerprint}`;
    for (let failures = 1; ; failures++) {
      try {
        return await work(key);
      } catch (error) {
        if (failures === TRIES) throw error;
        await delay(PAUSE_MS * failures);
      }
    }
  }

  #sealOnce(): Promise<Seal> {
    this.#seal ??= this.#makeSeal();
    return this.#seal;
  }
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
