import { execFile } from 'node:child_process';
import { ask, result, signIn, signOut } from '../contract/tryton-ask.ts';
import type { TrytonStage } from '../tryton/gateway/gateway-setup.ts';

const {
  TRYTON_RPC_URL: url,
  TRYTON_USER: user,
  TRYTON_PASSWORD: password,
  /** A shell command that runs the SQL on its standard input and prints rows, bare. */
  TRYTON_SQL_COMMAND: sql,
  TRYTON_STOP_COMMAND: stop,
  /** Returns when the server answers. */
  TRYTON_START_COMMAND: start,
} = process.env;

/** Not the administrator: these tests may lock a login for five minutes. */
const LOGIN = 'passerelle_trial';
/** Long, of different characters: 6.0 and 5.0 insist on that. */
const PASSWORDS = ['Vq7-tLm9.xZr2', 'Zk4-pRw8.dHb1'] as const;

/** The missing variables for disturbing the server; null if none is missing. */
export const missingStage =
  url && user && password && sql && stop && start
    ? null
    : 'TRYTON_RPC_URL, TRYTON_USER, TRYTON_PASSWORD, TRYTON_SQL_COMMAND, TRYTON_STOP_COMMAND and TRYTON_START_COMMAND';

/** The real server of the environment, as a user of its own with the rights of the administrator. */
export async function liveStage(): Promise<TrytonStage> {
  if (!url || !user || !password || !sql || !stop || !start) throw new Error(`needs ${missingStage}`);
  const asAdmin = async <T>(work: (call: Call) => Promise<T>): Promise<T> => {
    const session = await signIn({ url, user, password });
    try {
      return await work((method, ...params) =>
        result(url, `model.${method}`, params, { session: session.token }),
      );
    } finally {
      await signOut(url, session);
    }
  };
  const id = await asAdmin(ownUser);
  const rows = async (query: string) => Number((await run(sql, query)).trim());
  await run(sql, `delete from res_user_login_attempt where login = '${LOGIN}';`);
  let current: string = PASSWORDS[0];
  return {
    url,
    user: LOGIN,
    get password() {
      return current;
    },
    otherPassword: PASSWORDS[1],
    async setPassword(next) {
      await asAdmin((call) => call('res.user.write', [id], { password: next }, {}));
      current = next;
    },
    sessions: () => rows(`select count(*) from ir_session where create_uid = ${id};`),
    forgetSessions: async () => void (await run(sql, `delete from ir_session where create_uid = ${id};`)),
    attempts: () => rows(`select count(*) from res_user_login_attempt where login = '${LOGIN}';`),
    stop: async () => void (await run(stop)),
    start: async () => {
      await run(start);
      // The server opens its database at its first call, which is not part of the test.
      await ask(url, 'common.db.login', [LOGIN, {}, 'en']);
    },
    async close() {
      await asAdmin((call) => call('res.user.write', [id], { active: false }, {}));
      await run(sql, `delete from res_user_login_attempt where login = '${LOGIN}';`);
      await run(sql, `delete from ir_session where create_uid = ${id};`);
    },
  };
}

type Call = (method: string, ...params: unknown[]) => Promise<unknown>;

/** Users cannot be deleted: this one is used again, and rests in between. */
async function ownUser(call: Call): Promise<number> {
  const [admin] = Object(
    await call('res.user.search_read', [['login', '=', user]], 0, 1, null, ['groups'], {}),
  );
  const values = { active: true, password: PASSWORDS[0], groups: [['add', admin.groups]] };
  const [known] = Object(
    await call('res.user.search', [['login', '=', LOGIN]], 0, 1, null, { active_test: false }),
  );
  if (known !== undefined) {
    await call('res.user.write', [known], values, {});
    return Number(known);
  }
  const [id] = Object(
    await call('res.user.create', [{ name: 'Essai Passerelle', login: LOGIN, ...values }], {}),
  );
  return Number(id);
}

function run(command: string, input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('sh', ['-c', command], (error, stdout, stderr) => {
      if (error) reject(new Error(`${command}: ${stderr || error.message}`));
      else resolve(stdout);
    });
    child.stdin?.end(input);
  });
}
