import { randomBytes } from 'node:crypto';
import { Abort, loginException } from './errors.ts';
import type { Store } from './store.ts';
import type { Dictionary } from './values.ts';

/** A login is refused without a check of the password after more failures than this ... */
const MOST_ATTEMPTS = 5;
/** ... within this time. */
const ATTEMPTS_LIFE_MS = 300_000;

/** Authentication: passwords, sessions and refused logins of the sandbox. */
export class Sessions {
  readonly #store: Store;
  readonly #clock: () => Date;
  readonly #passwords = new Map<number, string>();
  readonly #sessions = new Map<string, number>();
  #attempts: { login: string; at: number }[] = [];
  /** Logins that got a session. */
  logins = 0;

  constructor(store: Store, clock: () => Date) {
    this.#store = store;
    this.#clock = clock;
  }

  setPassword(userId: number, password: string): void {
    this.#passwords.set(userId, password);
  }

  /** Like `delete from ir_session`. */
  forget(): void {
    this.#sessions.clear();
  }

  get open(): number {
    return this.#sessions.size;
  }

  /** The number of recently refused logins of this name. */
  attempts(login: string): number {
    const since = this.#clock().getTime() - ATTEMPTS_LIFE_MS;
    this.#attempts = this.#attempts.filter(({ at }) => at >= since);
    return this.#attempts.filter((attempt) => attempt.login === login).length;
  }

  /** The id of the user. @throws Abort 401 or 429, or the exception that asks for the password. */
  verify(login: string, parameters: Dictionary): number {
    if (this.attempts(login) > MOST_ATTEMPTS) {
      this.#refuse(login);
      throw new Abort(429);
    }
    const { password } = parameters;
    if (typeof password !== 'string') {
      const words = this.#store.version === '5.0' ? 'Password' : `Password for ${login}`;
      throw loginException('password', words, 'password');
    }
    const users = [...this.#store.table('res.user').rows.values()];
    const user = users.find((row) => row['login'] === login && row['active'] === true);
    if (user === undefined || this.#passwords.get(user.id) !== password) {
      this.#refuse(login);
      throw new Abort(401);
    }
    this.#attempts = this.#attempts.filter((attempt) => attempt.login !== login);
    return user.id;
  }

  /** `common.db.login`: the id of the user and the key of a new session. */
  signIn(login: string, parameters: Dictionary): [number, string] {
    const userId = this.verify(login, parameters);
    const key = randomBytes(32).toString('hex');
    this.#sessions.set(key, userId);
    this.logins += 1;
    return [userId, key];
  }

  close(key: string): void {
    this.#sessions.delete(key);
  }

  holds(userId: number, key: string): boolean {
    return this.#sessions.get(key) === userId;
  }

  #refuse(login: string): void {
    this.#attempts.push({ login, at: this.#clock().getTime() });
  }
}
