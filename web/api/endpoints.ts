import { BC_MIRROR, isSeveral, mirrorName } from '../live/mirrors.ts';
import type {
  Accepted,
  Change,
  CheckList,
  Document,
  Failure,
  Incident,
  Line,
  Mirror,
  Model,
  ModelChange,
  Overview,
  Page,
  Run,
  RunWithProgress,
  Upstreams,
} from './answers.ts';

/** Where an answer of this type comes from, below /admin/api/v1/. */
export interface Endpoint<Answer> {
  readonly path: string;
  /** Never set: it carries the type. */
  readonly answer?: Answer;
}

export type Query = Readonly<Record<string, string | number | undefined>>;

function at<Answer>(path: string, query: Query = {}): Endpoint<Answer> {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return { path: given.length === 0 ? path : `${path}?${new URLSearchParams(given)}` };
}

/** The default of the API is `bc`, so that mirror is not named. */
const named = (mirror: string | null): Query => (mirror === null || mirror === BC_MIRROR ? {} : { mirror });
/** The mirror that is shown. */
const own = (): Query => named(mirrorName.value);
const documents = (): string => ('mirror' in own() ? `mirrors/${mirrorName.value}/documents` : 'bc');

export const mirrorsEndpoint = at<{ readonly items: readonly Mirror[] }>('mirrors');
export const upstreamsEndpoint = at<Upstreams>('upstreams');
export const checksEndpoint = at<CheckList>('checks');
export const overviewAt = (mirror: string) => at<Overview>('sync', named(mirror));
export const eventsAt = (mirror: string) => at<never>('sync/events', named(mirror));
export const modelAt = () =>
  at<Page<ModelChange> & { readonly models: readonly Model[] }>('sync/model', { ...own(), limit: 20 });
export const failuresAt = () => at<Page<Failure>>('sync/failures', { ...own(), limit: 100 });
/** Without a mirror: the incidents of all. */
export const incidentsAt = () =>
  at<Page<Incident>>('sync/incidents', {
    ...(isSeveral.value && { mirror: mirrorName.value ?? undefined }),
    limit: 20,
  });

export const runsAt = (query: Query) => at<Page<Run>>('sync/runs', { ...own(), ...query });
export const runAt = (id: number) => at<RunWithProgress>(`sync/runs/${id}`);
export const documentsAt = (query: Query) =>
  at<Page<Document> & { readonly total?: number }>(documents(), query);
export const exportAt = (query: Query) => at<never>(`${documents()}/export`, query);
export const documentAt = (id: number, query: Query) => at<Document>(`${documents()}/${id}`, query);
export const linesAt = (id: number, query: Query) => at<Page<Line>>(`${documents()}/${id}/lines`, query);
export const historyAt = (id: number, query: Query) =>
  at<Page<Change>>(`${documents()}/${id}/history`, query);

export const startRunEndpoint = at<Accepted>('sync/runs');
export const retryAt = (id: number) => at<Accepted>(`sync/failures/${id}/retry`, own());
export const resyncAt = (id: number) => at<Accepted>(`${documents()}/${id}/resync`);
