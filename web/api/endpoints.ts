import type {
  Accepted,
  Change,
  CheckList,
  Document,
  Failure,
  Incident,
  Line,
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

export const overviewEndpoint = at<Overview>('sync');
export const eventsEndpoint = at<never>('sync/events');
export const upstreamsEndpoint = at<Upstreams>('upstreams');
export const checksEndpoint = at<CheckList>('checks');
export const modelEndpoint = at<Page<ModelChange> & { readonly models: readonly Model[] }>('sync/model', {
  limit: 20,
});
export const failuresEndpoint = at<Page<Failure>>('sync/failures', { limit: 100 });
export const incidentsEndpoint = at<Page<Incident>>('sync/incidents', { limit: 20 });

export const runsAt = (query: Query) => at<Page<Run>>('sync/runs', query);
export const runAt = (id: number) => at<RunWithProgress>(`sync/runs/${id}`);
export const documentsAt = (query: Query) => at<Page<Document> & { readonly total?: number }>('bc', query);
export const exportAt = (query: Query) => at<never>('bc/export', query);
export const documentAt = (id: number, query: Query) => at<Document>(`bc/${id}`, query);
export const linesAt = (id: number, query: Query) => at<Page<Line>>(`bc/${id}/lines`, query);
export const historyAt = (id: number, query: Query) => at<Page<Change>>(`bc/${id}/history`, query);

export const startRunEndpoint = at<Accepted>('sync/runs');
export const retryAt = (id: number) => at<Accepted>(`sync/failures/${id}/retry`);
export const resyncAt = (id: number) => at<Accepted>(`bc/${id}/resync`);
