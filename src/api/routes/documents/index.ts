import compress from '@fastify/compress';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Api, ApiContext } from '../../context.ts';
import { tagAnswers } from '../../plugins/etag.ts';
import type { QueryLimit } from '../../plugins/query-limit.ts';
import { changesRoute } from './changes.ts';
import { type ExportPlaces, exportRoute } from './export.ts';
import type { Place } from './place.ts';
import { documentRoutes, historyRoute, listRoute } from './read.ts';

/** Smaller answers fit into one packet. */
const COMPRESS_FROM_BYTES = 2048;

/** The routes of the documents of a mirror. Their answers are large and polled often: they are compressed and have an `ETag`. */
export async function documentsApi(
  api: Api,
  deps: ApiContext,
  place: Place,
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
      listRoute(limited, deps, place);
      documentRoutes(limited, place);
      historyRoute(limited, place);
      changesRoute(limited, deps, place);
    });
    exportRoute(scope, deps, place, exports);
  });
}
