import compress from '@fastify/compress';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Api, ApiContext } from '../../context.ts';
import { tagAnswers } from '../../plugins/etag.ts';
import type { QueryLimit } from '../../plugins/query-limit.ts';
import { bcChangesRoute } from './changes.ts';
import { bcExportRoute, type ExportPlaces } from './export.ts';
import { bcHistoryRoute, bcListRoute, bcRoutes } from './read.ts';

/** Smaller answers fit into one packet. */
const COMPRESS_FROM_BYTES = 2048;

/** The routes of BCs. Their answers are large and polled often: they are compressed and have an `ETag`. */
export async function bcApi(
  api: Api,
  deps: ApiContext,
  { exports, queries }: { readonly exports: ExportPlaces; readonly queries: QueryLimit },
): Promise<void> {
  await api.register(async (plain) => {
    const scope = plain.withTypeProvider<ZodTypeProvider>();
    // Before the compression, because the tag covers the text.
    tagAnswers(scope);
    await scope.register(compress, {
      encodings: ['br', 'gzip'],
      threshold: COMPRESS_FROM_BYTES,
      globalDecompression: false,
      customTypes: /json|^text\/csv/,
    });
    await scope.register(async (guarded) => {
      queries.guard(guarded);
      const limited = guarded.withTypeProvider<ZodTypeProvider>();
      bcListRoute(limited, deps);
      bcRoutes(limited, deps);
      bcHistoryRoute(limited, deps);
      bcChangesRoute(limited, deps);
    });
    bcExportRoute(scope, deps, exports);
  });
}
