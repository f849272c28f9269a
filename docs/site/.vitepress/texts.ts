import type { DefaultTheme } from 'vitepress';

/** The titles of the groups in the sidebar. A group that is not here is called like its folder. */
export const GROUPS: Record<string, { en: string; fr: string }> = {
  tutorial: { en: 'Tutorial', fr: 'Tutoriel' },
  'how-to': { en: 'Guides', fr: 'Guides' },
  connect: { en: 'Connect', fr: 'Raccorder' },
  use: { en: 'Use the data', fr: 'Utiliser les données' },
  monitor: { en: 'Monitor', fr: 'Superviser' },
  run: { en: 'Run', fr: 'Exploiter' },
  reference: { en: 'Reference', fr: 'Référence' },
  explanation: { en: 'Explanation', fr: 'Comprendre' },
  contributing: { en: 'Contributing', fr: 'Contribuer' },
};

export const FRENCH: DefaultTheme.Config = {
  outline: { level: [2, 3], label: 'Sur cette page' },
  docFooter: { prev: 'Page précédente', next: 'Page suivante' },
  darkModeSwitchLabel: 'Apparence',
  lightModeSwitchTitle: 'Passer au thème clair',
  darkModeSwitchTitle: 'Passer au thème sombre',
  sidebarMenuLabel: 'Sommaire',
  returnToTopLabel: 'Haut de page',
  langMenuLabel: 'Changer de langue',
  skipToContentLabel: 'Aller au contenu',
  notFound: {
    title: 'PAGE INTROUVABLE',
    quote: 'Cette adresse ne correspond à aucune page. Elle a peut-être changé : utilisez la recherche.',
    linkLabel: "Aller à l'accueil",
    linkText: "Retour à l'accueil",
  },
};

export const FRENCH_SEARCH = {
  button: { buttonText: 'Rechercher', buttonAriaLabel: 'Rechercher' },
  modal: {
    displayDetails: 'Afficher les extraits',
    resetButtonTitle: 'Effacer la recherche',
    backButtonTitle: 'Fermer la recherche',
    noResultsText: 'Aucun résultat pour',
    footer: {
      selectText: 'ouvrir',
      selectKeyAriaLabel: 'entrée',
      navigateText: 'parcourir',
      navigateUpKeyAriaLabel: 'flèche vers le haut',
      navigateDownKeyAriaLabel: 'flèche vers le bas',
      closeText: 'fermer',
      closeKeyAriaLabel: 'échap',
    },
  },
};
