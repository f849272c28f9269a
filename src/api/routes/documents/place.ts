import { z } from 'zod';
import type { Database } from '../../../db/client.ts';
import { keyOf, tablesFor } from '../../../db/documents/mirrors.ts';
import type { MirrorStore } from '../../../db/documents/tables.ts';
import type { SyncQueue } from '../../../queues/jobs.ts';
import { BC_MIRROR } from '../../../shared/mirror-names.ts';
import type { ApiContext, ApiKey } from '../../context.ts';
import { MirrorNotFoundError } from '../../errors.ts';
import { limitOf, reaches } from '../../plugins/mirror-access.ts';
import { odooIdParam } from '../../schemas.ts';
import { createFieldCatalogCache, type FieldCatalogCache, type KnownModels } from './fields-cache.ts';
import type { Relations } from './include.ts';

/** A mirror whose documents are served. */
export interface ServedMirror {
  readonly name: string;
  readonly key: string;
  readonly models: KnownModels;
  readonly store: MirrorStore<Database>;
  readonly withFields: FieldCatalogCache;
  readonly syncQueue: SyncQueue;
  /** The pause between incremental runs; null: none is scheduled. */
  readonly everyMs: number | null;
  /** False: the configuration does not have it. */
  readonly isConfigured: boolean;
}

interface InMirror {
  /** Absent in the paths of the mirror `bc`. */
  readonly mirror?: string | undefined;
}

/** Where the routes of documents are mounted: once for the mirror `bc`, and once for a mirror that the path names. */
export interface Place {
  readonly path: string;
  readonly tag: string;
  readonly params: z.ZodType<InMirror>;
  readonly documentParams: z.ZodType<InMirror & { readonly odooId: number }>;
  /** Added to the `config` of every route here. */
  readonly config: { readonly mirror?: typeof BC_MIRROR };
  /** Codes that every route here may answer. */
  readonly problems: readonly string[];
  /** @throws MirrorNotFoundError */
  served(params: InMirror): ServedMirror;
  /** The mirrors from which a request with this key may include records. */
  relations(key: ApiKey | null): Relations;
}

export const mirrorName = z
  .string()
  .max(64)
  .describe('a mirror of GET /api/v1/mirrors')
  .meta({ examples: ['bc'] });

const mirrorParam = z.object({ mirror: mirrorName });

/** The mirror of a route that serves `bc` unless another one is named. */
export const mirrorOrBc = mirrorName.default(BC_MIRROR);

/** The models of a mirror `bc` that the configuration does not have. */
const UNCONFIGURED_BC: KnownModels = { model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line' };

/** The mirrors of the configuration, by name, and always `bc`: its database may have documents without an Odoo. */
export function serveMirrors(deps: ApiContext): ServedMirrors {
  const { db, config, queuesOf } = deps;
  const models = new Map<string, KnownModels>([[BC_MIRROR, UNCONFIGURED_BC]]);
  for (const own of config.mirrors) models.set(own.name, own);
  const related = [...models.values()].map(({ model }) => model);
  const configured = new Map(config.odoo === null ? [] : config.mirrors.map((own) => [own.name, own]));
  return new Map(
    [...models].map(([name, { model, lineModel }]) => [
      name,
      {
        name,
        key: keyOf(name),
        models: { model, lineModel },
        store: { ...tablesFor({ name, model, lineModel }), db },
        withFields: createFieldCatalogCache(db, { model, lineModel }, related),
        syncQueue: queuesOf(name).sync,
        everyMs: configured.get(name)?.everyMs ?? null,
        isConfigured: configured.has(name),
      },
    ]),
  );
}

export type ServedMirrors = ReadonlyMap<string, ServedMirror>;

/** @throws MirrorNotFoundError */
export function findServed(mirrors: ServedMirrors, name: string): ServedMirror {
  const found = mirrors.get(name);
  if (found === undefined) throw new MirrorNotFoundError(name, [...mirrors.keys()]);
  return found;
}

export function placesOf(mirrors: ServedMirrors): readonly [Place, Place] {
  const find = (name: string) => findServed(mirrors, name);
  const relations = (key: ApiKey | null): Relations => ({
    mirrors: [...mirrors.values()].filter(({ name }) => reaches(key, name)),
    limit: limitOf(key),
  });
  return [
    {
      ...{ path: '/api/v1/bc', tag: 'bc', params: z.object({}), documentParams: odooIdParam, problems: [] },
      config: { mirror: BC_MIRROR },
      served: () => find(BC_MIRROR),
      relations,
    },
    {
      path: '/api/v1/mirrors/:mirror/documents',
      tag: 'mirrors',
      params: mirrorParam,
      documentParams: mirrorParam.extend(odooIdParam.shape),
      config: {},
      problems: ['mirror_not_found'],
      served: ({ mirror = '' }) => find(mirror),
      relations,
    },
  ];
}
