export const actions = {
  title: 'Lancer une synchronisation',
  syncNow: 'Synchroniser',
  syncNowHint: 'Lit les changements d’Odoo depuis la dernière synchronisation.',
  full: 'Tout relire',
  fullTitle: 'Tout relire\u00a0?',
  fullHint:
    'Tous les bons de commande sont relus dans Odoo. Cela prend plusieurs minutes s’ils sont nombreux.',
  sweep: 'Balayage',
  sweepHint:
    'Compare tous les identifiants et toutes les dates, lit les changements manqués, archive les bons disparus d’Odoo.',
  resync: 'Relire un bon',
  resyncLabel: 'Identifiant Odoo du bon de commande',
  resyncExample: 'Id. Odoo, par ex. 42',
  resyncThis: 'Relire dans Odoo',
  retry: 'Réessayer',
  retryOf: (id: number) => `Réessayer le bon de commande ${id}`,
  sending: 'Envoi…',
  queued: (id: number) => `Synchronisation ${id} en file d’attente.`,
  running: (id: number) => `Synchronisation ${id} en cours…`,
  runningOf: (id: number, done: string, planned: string) =>
    `Synchronisation ${id}\u00a0: ${done} sur ${planned}…`,
  success: (id: number, counts: string) => `Synchronisation ${id} réussie\u00a0: ${counts}.`,
  partial: (id: number, counts: string) => `Synchronisation ${id} terminée avec des échecs\u00a0: ${counts}.`,
  failed: (id: number, reason: string) => `Échec de la synchronisation ${id}\u00a0: ${reason}`,
  skipped: (id: number) => `Synchronisation ${id} ignorée\u00a0: une autre était en cours.`,
  noReason: 'aucune raison n’a été donnée.',
  followed: 'Voir la synchronisation',
};
