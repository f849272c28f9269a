import { afterAll, beforeAll, describe } from 'vitest';
import type { Subject, Visit } from './tryton-ask.ts';
import { seriesOf, signIn, signOut } from './tryton-ask.ts';
import { callsContract } from './tryton-calls.ts';
import { clientContract } from './tryton-client.ts';
import { doorContract } from './tryton-door.ts';
import { recordsContract } from './tryton-records.ts';
import { valuesContract } from './tryton-values.ts';

export type { Subject } from './tryton-ask.ts';

/** The properties of Tryton that the gateway relies on, checked on any Tryton of 5.0, 6.0 or 7.0: real or sandbox. */
export function trytonContract(name: string, subject: Subject): void {
  describe(name, () => {
    let visit: Visit | undefined;
    beforeAll(async () => {
      const coordinates = subject();
      const series = await seriesOf(coordinates.url);
      visit = { ...coordinates, series, isOld: series === '5.0', session: await signIn(coordinates) };
    });
    afterAll(async () => {
      if (visit) await signOut(visit.url, visit.session);
    });
    const current = () => {
      if (visit === undefined) throw new Error('the session is opened by a hook');
      return visit;
    };
    doorContract(current);
    callsContract(current);
    clientContract(current);
    recordsContract(current);
    valuesContract(current);
  });
}
