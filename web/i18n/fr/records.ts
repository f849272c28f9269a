import { pluralForm } from '../plural.ts';
import { fr } from './index.ts';

const n = pluralForm('fr');
const { actions, bc, common, overview, problems, runs } = fr;
const records = (count: number): string => n(count, 'enregistrement', 'enregistrements', 'd’enregistrements');

export const frRecords = {
  ...fr,
  common: { ...common, pages: { ...common.pages, bc: 'Enregistrements' } },
  actions: {
    ...actions,
    fullHint:
      'Tous les enregistrements sont relus dans Odoo. Cela prend plusieurs minutes s’ils sont nombreux.',
    sweepHint:
      'Compare tous les identifiants et toutes les dates, lit les changements manqués, archive les enregistrements disparus d’Odoo.',
    resync: 'Relire',
    resyncLabel: 'Identifiant Odoo de l’enregistrement',
    retryOf: (id: number) => `Réessayer l’enregistrement ${id}`,
  },
  overview: {
    ...overview,
    freshBut: (count: number) => `À jour, sauf ${records(count)}`,
    alsoFailed: (count: number) =>
      `${records(count)} ${count < 2 ? 'n’a pas pu être copié' : 'n’ont pas pu être copiés'}.`,
    current: {
      ...overview.current,
      done: (done: string, planned: string) => `${done} enregistrements sur ${planned}`,
    },
    figures: {
      ...overview.figures,
      queueOf: (sync: string, pages: string, documents: string) =>
        `pages ${pages} · enregistrements ${documents} · plans ${sync}, prévus compris`,
    },
    failures: {
      ...overview.failures,
      none: 'Aucun\u00a0: tous les enregistrements ont pu être copiés.',
      caption: 'Enregistrements qui n’ont pas pu être copiés, du plus ancien échec au plus récent',
      columns: { ...overview.failures.columns, bc: 'Enregistrement' },
      jobOf: (id: number) => `Tâche de l’enregistrement ${id}`,
    },
    incidents: {
      ...overview.incidents,
      kinds: {
        ...overview.incidents.kinds,
        run_partial: 'Une synchronisation a laissé des enregistrements de côté',
        sweep_breaker: 'Odoo ne montre plus certains enregistrements ; la copie les conserve',
      },
    },
  },
  runs: {
    ...runs,
    facts: { ...runs.facts, odooIds: 'Enregistrements demandés' },
    chart: { ...runs.chart, changes: 'Enregistrements changés' },
  },
  bc: {
    ...bc,
    title: 'Enregistrements',
    one: (name: string) => (/^\d+$/.test(name) ? `Enregistrement ${name}` : name),
    search: 'Texte ou identifiant',
    caption: 'Enregistrements du miroir',
    total: records,
    none: 'Aucun enregistrement ne correspond. Changez les filtres.',
    noneAtAll: 'Le miroir ne contient aucun enregistrement.',
    exportHint: 'Les enregistrements et les colonnes affichés ici, toutes pages comprises.',
    linesCaption: 'Lignes de l’enregistrement',
  },
  problems: {
    ...problems,
    failure_not_found: 'Cet enregistrement n’est plus en échec.',
    bc_not_found: 'Cet enregistrement n’est pas dans le miroir.',
  },
};
