/** A French gas distributor's world: who buys, where, and what. Accents and ampersands included. */
export const CUSTOMERS = [
  ['Boulangerie Pâtisserie Noël & Fils', 'Lyon', '69003'],
  ['Hôtel du Bœuf d’Or', 'Villefranche-sur-Saône', '69400'],
  ['Mairie de Sainte-Foy-lès-Lyon', 'Sainte-Foy-lès-Lyon', '69110'],
  ['Blanchisserie Crèvecœur', 'Saint-Étienne', '42000'],
  ['Serres Maraîchères du Val de Saône', 'Belleville-en-Beaujolais', '69220'],
  ['Collège Simone Veil', 'Châtillon-d’Azergues', '69380'],
  ['Élodie Lefèvre', 'Bourgoin-Jallieu', '38300'],
  ['Loïc Kerguélen', 'Vienne', '38200'],
  ['Résidence « Les Érables »', 'Mâcon', '71000'],
  ['Fonderie Dubœuf', 'Roanne', '42300'],
  ['Brasserie Gâtinais', 'Givors', '69700'],
  ['Aïcha Benkacem', 'Oullins-Pierre-Bénite', '69600'],
] as const;

export const STREETS = [
  '12 rue de l’Église',
  '3 bis avenue Jean-Jaurès',
  '47 quai des Célestins',
  'Zone artisanale des Prés\nBâtiment B',
  '8 place de la République',
  '21 chemin du Vieux-Château',
] as const;

/** Name, code, unit, list price. */
export const PRODUCTS = [
  ['Gaz naturel, zone B1', 'GAZ-B1', 'MWh', '94.3150'],
  ['Gaz naturel, zone B2', 'GAZ-B2', 'MWh', '97.8800'],
  ['Propane en citerne', 'PROP-VRAC', 'kg', '1.9850'],
  ['Bouteille butane 13 kg', 'BUT-13', 'u', '36.5000'],
  ['Abonnement annuel', 'ABO-AN', 'u', '257.1600'],
  ['Mise en service', 'MES', 'u', '19.4200'],
  ['Contrôle d’étanchéité', 'CTRL-ETA', 'u', '124.0000'],
] as const;

/** Name, symbol, digits. */
export const UNITS = [
  ['Mégawattheure', 'MWh', 3],
  ['Kilogramme', 'kg', 2],
  ['Unité', 'u', 0],
] as const;
