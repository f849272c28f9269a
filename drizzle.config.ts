import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: [
    './src/db/schema/alerts.ts',
    './src/db/schema/audit.ts',
    './src/db/schema/documents.ts',
    './src/db/schema/gateway.ts',
    './src/db/schema/ledger.ts',
    './src/db/schema/model.ts',
    './src/db/schema/sync.ts',
  ],
  out: './src/db/migrations',
});
