/** French words of an office, with the accents, ligatures, emoji and markup that break careless code. */
export const PEOPLE = [
  'Élodie Lefèvre',
  'François Garçon',
  'Maëlle Kerguélen',
  'Jean-Noël Dubœuf',
  'Zoé Müller-Château',
  'Aïcha Benkacem',
  'Thérèse d’Aubigné',
  'Loïc Le Goff',
] as const;

export const COMPANIES = [
  'Société Générale d’Outillage',
  'Boulangerie Pâtisserie Noël & Fils',
  'Ébénisterie Crèvecœur',
  'Câblerie de l’Île',
  'Dupont & Associés <SARL>',
  'Fonderie Saint-Étienne',
  'Papeteries « Le Bœuf »',
  'Garage Müller',
  'Établissements Hénaff',
  'Quincaillerie O’Brien',
  'Transports Gâtinais 🚚',
  'Verrerie d’Açores',
] as const;

export const CITIES = [
  'Nîmes',
  'Besançon',
  'Orléans',
  'Béziers',
  'Angoulême',
  'Alès',
  'Sète',
  'Mâcon',
] as const;

export const PRODUCTS = [
  'Vis à tête fraisée 4×40',
  'Câble électrique 3G2,5',
  'Peinture façade « blanc cassé »',
  'Clé à molette',
  'Chêne massif, planche 2 m',
  'Écrou frein M8',
  'Scie égoïne',
  'Gants de sécurité (paire)',
  'Ruban adhésif <résistant>',
  'Colle à bois & joint',
  'Œillets laiton',
  'Interrupteur va-et-vient',
] as const;

export const TAGS = [
  'Urgent',
  'À relancer',
  'Payé d’avance',
  'Réserve',
  'Série limitée',
  'Qualité ★',
] as const;

export const NOTES = [
  'Livraison à l’arrière du bâtiment, sonner deux fois.',
  'Vérifier le n° de série avant réception ✅',
  'Prix < 100 € & franco de port',
  'À régler à 30 jours fin de mois',
  'Attention : fragile ⚠️\nNe pas empiler.',
  'Voir avec Mme Lefèvre',
  'Remplace la commande précédente 👍🏽',
] as const;

export const TERMS = [
  '<p>Règlement à <strong>30 jours</strong>.</p>',
  '<p>Pénalités&nbsp;: 3 × le taux légal &amp; 40 € d’indemnité.</p>',
  '<ul><li>Franco de port</li><li>Retour sous 8 jours</li></ul>',
] as const;
