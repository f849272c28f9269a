import type { Trouble } from '../db/incidents.ts';

/**
 * How one thing stands at this moment. `well` ends an open incident. `unsure` leaves things as they are: nothing is
 * wrong that can be seen, but nothing yet shows that what was wrong is over.
 */
export type Finding =
  | ({ readonly state: 'trouble' } & Trouble)
  | ({ readonly state: 'well' | 'unsure' } & Pick<Trouble, 'kind' | 'subject'>);
