import { commandsPage } from './commands.ts';
import { configurationPage } from './configuration.ts';
import { databasePage } from './database.ts';
import { errorsPage } from './errors.ts';
import { metricsPage } from './metrics.ts';
import { mirrorsSchema } from './mirrors-schema.ts';

/** The reference pages, and the schema for editors, that are made from the code, by their path in the repository. */
export const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/reference/commands.md': commandsPage,
  'docs/reference/configuration.md': configurationPage,
  'docs/reference/database.md': databasePage,
  'docs/reference/errors.md': errorsPage,
  'docs/reference/metrics.md': metricsPage,
  'mirrors.schema.json': mirrorsSchema,
};
