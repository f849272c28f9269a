import { OdooAuthError } from './errors.ts';

/** As long as Odoo itself shuts a login out for. */
const FIRST_MS = 60_000;
const LONGEST_MS = 15 * 60_000;

/** Lets one sign-in after another pass, but for those that come too soon after one that was refused. */
export type LoginPause = <T>(signIn: () => Promise<T>) => Promise<T>;

/**
 * Remembers that the login was refused. Odoo counts refusals by address, and then refuses everybody who comes from
 * there: each run that asked again would keep other programs and people out too. The pause doubles with each refusal in a
 * row, and belongs to this process: one that starts anew has none.
 *
 * @param clock milliseconds since 1970.
 */
export function createLoginPause(clock: () => number): LoginPause {
  let refusals = 0;
  let until = 0;
  let refusal: OdooAuthError | null = null;
  return async (signIn) => {
    if (refusal !== null && clock() < until) throw refusal.notBefore(new Date(until));
    try {
      const signedIn = await signIn();
      refusals = 0;
      refusal = null;
      return signedIn;
    } catch (error) {
      if (!(error instanceof OdooAuthError)) throw error;
      until = clock() + Math.min(LONGEST_MS, FIRST_MS * 2 ** refusals++);
      refusal = error;
      throw error.notBefore(new Date(until));
    }
  };
}
