import { pluralForm } from '../plural.ts';

const n = pluralForm('en');

/** Texts about several mirrors. */
export const mirrors = {
  title: 'All mirrors',
  label: 'Mirror',
  all: 'all',
  choices: 'Mirrors',
  verdict: 'State of all mirrors',
  attention: (some: number, all: number) =>
    `${some} of ${n(all, 'mirror', 'mirrors')} ${some === 1 ? 'needs' : 'need'} attention`,
  dataless: (some: number, all: number) =>
    `${some} of ${n(all, 'mirror', 'mirrors')} ${some === 1 ? 'has' : 'have'} no data yet`,
  fresh: (all: number) => `All ${n(all, 'mirror', 'mirrors')} are up to date`,
  caption: 'Mirrors, those that need attention first',
  columns: {
    mirror: 'Mirror',
    state: 'State',
    age: 'Synced',
    documents: 'Records',
    failures: 'Open failures',
    last: 'Last run',
    every: 'Interval',
    act: 'Action',
  },
  states: {
    failing: 'Last run failed',
    late: 'Late',
    failures: 'With failures',
    incidents: 'With incidents',
    never: 'Never synced',
    empty: 'Empty',
    unscheduled: 'Not scheduled',
    syncing: 'Run in progress',
    fresh: 'Up to date',
  },
  unscheduled: 'none',
  documentsOf: (name: string, count: number) => `${name}: ${n(count, 'record', 'records')}`,
  failuresOf: (name: string, count: number) => `${name}: ${n(count, 'open failure', 'open failures')}`,
  syncOf: (name: string) => `Sync now: ${name}`,
  unknown: (name: string) => `There is no mirror “${name}”`,
  unknownHint: 'Check the address. These are the mirrors of the configuration:',
};
