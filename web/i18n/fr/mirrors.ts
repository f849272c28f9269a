import { pluralForm } from '../plural.ts';

const n = pluralForm('fr');

export const mirrors = {
  title: 'Tous les miroirs',
  label: 'Miroir',
  all: 'tous',
  choices: 'Miroirs',
  verdict: 'État de tous les miroirs',
  attention: (some: number, all: number) => `${some} miroir${some === 1 ? '' : 's'} sur ${all} à vérifier`,
  dataless: (some: number, all: number) =>
    `${some} miroir${some === 1 ? '' : 's'} sur ${all} sans données pour l’instant`,
  fresh: (all: number) => `Les ${n(all, 'miroir', 'miroirs')} sont à jour`,
  caption: 'Miroirs, ceux à vérifier en premier',
  columns: {
    mirror: 'Miroir',
    state: 'État',
    age: 'Synchronisé',
    documents: 'Enregistrements',
    failures: 'Échecs ouverts',
    last: 'Dernière synchronisation',
    every: 'Intervalle',
    act: 'Action',
  },
  states: {
    failing: 'Dernière synchronisation en échec',
    late: 'En retard',
    failures: 'Avec des échecs',
    incidents: 'Avec des incidents',
    never: 'Jamais synchronisé',
    empty: 'Vide',
    unscheduled: 'Non planifié',
    syncing: 'Synchronisation en cours',
    fresh: 'À jour',
  },
  unscheduled: 'aucun',
  documentsOf: (name: string, count: number) =>
    `${name}\u00a0: ${n(count, 'enregistrement', 'enregistrements', 'd’enregistrements')}`,
  failuresOf: (name: string, count: number) =>
    `${name}\u00a0: ${n(count, 'échec ouvert', 'échecs ouverts', 'd’échecs ouverts')}`,
  syncOf: (name: string) => `Synchroniser ${name}`,
  unknown: (name: string) => `Le miroir «\u00a0${name}\u00a0» n’existe pas`,
  unknownHint: 'Vérifiez l’adresse. Voici les miroirs de la configuration\u00a0:',
};
