/** The answer to `import 'passerelle'`. Without it, Node reports only that the package has no exports. */
throw new Error(
  'passerelle is an application and exports nothing itself. Its Tryton client is passerelle/tryton; ' +
    'the package @passerelle/tryton has the same client with fewer dependencies.',
);
