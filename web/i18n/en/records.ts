import { pluralForm } from '../plural.ts';
import { en } from './index.ts';

const n = pluralForm('en');
const { actions, bc, common, overview, problems, runs } = en;

/** The texts of a mirror whose documents are not purchase orders. */
export const enRecords = {
  ...en,
  common: { ...common, pages: { ...common.pages, bc: 'Records' } },
  actions: {
    ...actions,
    fullHint: 'Every record is read again from Odoo. With many records this takes minutes.',
    resync: 'Resync one record',
    resyncLabel: 'Odoo id of the record',
    retryOf: (id: number) => `Retry record ${id}`,
  },
  overview: {
    ...overview,
    freshBut: (count: number) => `Up to date, except for ${n(count, 'record', 'records')}`,
    alsoFailed: (count: number) => `${n(count, 'record', 'records')} could not be copied.`,
    current: {
      ...overview.current,
      done: (done: string, planned: string) => `${done} of ${planned} records`,
    },
    figures: {
      ...overview.figures,
      queueOf: (sync: string, pages: string, records: string) =>
        `pages ${pages} · records ${records} · plans ${sync}, scheduled ones too`,
    },
    failures: {
      ...overview.failures,
      none: 'None: every record was copied.',
      caption: 'Records that could not be copied, oldest first',
      columns: { ...overview.failures.columns, bc: 'Record' },
      jobOf: (id: number) => `Job of record ${id}`,
    },
    incidents: {
      ...overview.incidents,
      kinds: {
        ...overview.incidents.kinds,
        run_partial: 'A run left records out',
        sweep_breaker: 'Odoo no longer shows records or lines; the mirror kept them',
      },
    },
  },
  runs: {
    ...runs,
    modes: { ...runs.modes, single: 'Single records' },
    facts: { ...runs.facts, odooIds: 'Requested records' },
    chart: { ...runs.chart, changes: 'Records changed' },
  },
  bc: {
    ...bc,
    title: 'Records',
    // A name needs no noun; a number does.
    one: (name: string) => (/^\d+$/.test(name) ? `Record ${name}` : name),
    search: 'Text or id',
    caption: 'Records of the mirror',
    total: (count: number) => n(count, 'record', 'records'),
    none: 'No record matches. Change the filters.',
    noneAtAll: 'The mirror has no records.',
    exportHint: 'The records and columns that are shown here, all pages.',
    linesCaption: 'Lines of the record',
  },
  problems: {
    ...problems,
    failure_not_found: 'This record has no open failure.',
    bc_not_found: 'The mirror has no such record.',
  },
};
