import postgres from 'postgres';
import { count } from '../../dev/demo/context.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { OdooClient, OdooProtocol } from '../../src/odoo/types.ts';
import { describeDocument } from '../../src/sync/model/document-model.ts';
import { odooSource } from '../../src/sync/source/odoo-source.ts';
import type { DocumentDefinition, DocumentModel } from '../../src/sync/types.ts';
import type { Context } from '../context.ts';
import { withCleanup } from '../context.ts';
import { MeasurementFailedError } from '../errors.ts';
import type { Figure, Series } from '../reporting/figures.ts';
import { takeTurns, valueText } from '../reporting/figures.ts';
import type { MeasuredRun } from '../setup/mirror.ts';
import { measureRun, openMirror } from '../setup/mirror.ts';
import type { OdooLogin } from '../setup/sandbox-odoo.ts';
import { odooSettings, startSandboxOdoo } from '../setup/sandbox-odoo.ts';
import type { Servers } from '../setup/servers.ts';
import { createDatabase } from '../setup/servers.ts';
import type { Counted, Fetcher } from './baselines.ts';
import { bareFetch, createNaiveTables, naiveSync, ownFetcher, PAGES_IN_FLIGHT } from './baselines.ts';

interface SyncOptions {
  readonly rounds: number;
  /** BCs in the sandbox. */
  readonly documents: number;
  /** BCs that the naive sync copies. It would need too long for all of them. */
  readonly sample: number;
}

/** The data to copy. */
export interface Size {
  readonly documents: number;
  readonly lines: number;
}

/** A copy into empty tables, and a second one when nothing has changed. */
interface TwoSyncs<Result> {
  readonly first: Result;
  readonly again: Result;
}

const PROTOCOL = 'json2';
/** By every protocol, one call of a bare fetch reads a whole page. */
const TIMEOUT_MS = 300_000;
const BC: DocumentDefinition = {
  ...{ name: 'bc', key: 'bclinbc', model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line', binaries: true },
  domain: [],
};
const NAIVE_AT_LEAST = 20;

/**
 * Full syncs of a sandbox Odoo through the queue, one job for each BC. Beside them run a bare fetch and the naive sync.
 *
 * @throws MeasurementFailedError if anything was not copied.
 */
export async function measureSync(
  context: Context,
  servers: Servers,
  { rounds, documents, sample }: SyncOptions,
): Promise<Figure[]> {
  const { screen, defer } = context;
  const { login, size } = await startSandboxOdoo(context, servers.workspace, { documents });
  screen.line(`A sandbox Odoo with ${count(size.documents)} BC and ${count(size.lines)} lines`);
  const { client, model } = await openFetchClient(login, PROTOCOL, defer);
  const fetcher = ownFetcher(client, model);
  await fetchAll(context, fetcher, size);
  const [ours, bare, naive] = await takeTurns(rounds, [
    () => mirrorTwice(context, servers, login, PROTOCOL, size),
    () => fetchAll(context, fetcher, size),
    () => naiveTwice(context, servers, login, sample),
  ] as const);
  return syncFigures({ id: 'sync', by: 'JSON-2', ours, naive, bare, atMost: null });
}

/** Two full runs of a new mirror with one worker. */
export function mirrorTwice(
  context: Context,
  servers: Servers,
  odoo: OdooLogin,
  protocol: OdooProtocol,
  size: Size,
): Promise<TwoSyncs<MeasuredRun>> {
  return withCleanup(context, async (own) => {
    const mirror = await openMirror(own, servers, odooSettings(odoo, protocol));
    const { documents, lines: linesSeen } = size;
    const first = await measureRun(own, mirror, 'full', { created: documents, linesSeen });
    const again = await measureRun(own, mirror, 'full', { unchanged: documents, linesSeen });
    const calls = `${first.calls} and ${again.calls} calls`;
    context.screen.line(`Passerelle by ${protocol}: ${timesText({ first, again })}, ${calls}`);
    return { first, again };
  });
}

/** The naive sync of the first `sample` BCs into empty tables, twice. */
export function naiveTwice(
  context: Context,
  servers: Servers,
  odoo: OdooLogin,
  sample: number,
): Promise<TwoSyncs<Counted>> {
  return withCleanup(context, async ({ ending, screen, defer }) => {
    const sql = postgres(await createDatabase(servers, defer), { max: 1, onnotice: () => {} });
    defer(() => sql.end({ timeout: 5 }));
    await createNaiveTables(sql);
    const copy = async () => {
      const result = await ending.before(naiveSync(sql, odoo, sample));
      if (result.documents === sample) return result;
      throw new MeasurementFailedError(`The naive sync copied ${result.documents} BC of ${sample}`);
    };
    const results = { first: await copy(), again: await copy() };
    screen.line(`the naive rival: ${timesText(results)}`);
    return results;
  });
}

/** One bare fetch. @throws MeasurementFailedError if it did not read everything. */
export async function fetchAll({ ending, screen }: Context, fetcher: Fetcher, size: Size): Promise<Counted> {
  const fetched = await ending.before(bareFetch(fetcher));
  screen.line(`${fetcher.name}: ${valueText(fetched.seconds, 's')}`);
  if (fetched.documents === size.documents && fetched.lines === size.lines) return fetched;
  throw new MeasurementFailedError(
    `A bare fetch read ${fetched.documents} BC and ${fetched.lines} lines, not ${JSON.stringify(size)}`,
  );
}

function timesText({ first, again }: TwoSyncs<{ readonly seconds: number }>): string {
  return `${valueText(first.seconds, 's')}, again ${valueText(again.seconds, 's')}`;
}

/** A client by this protocol, and the document model that it reads. `defer` closes the client. */
export async function openFetchClient(
  odoo: OdooLogin,
  protocol: OdooProtocol,
  defer: Context['defer'],
): Promise<{ readonly client: OdooClient; readonly model: DocumentModel }> {
  const limits = { timeoutMs: TIMEOUT_MS, context: {}, concurrency: PAGES_IN_FLIGHT };
  const client = createOdooClient({ ...odoo, protocol, ...limits });
  defer(() => client.close());
  const source = odooSource({ odoo: client, unscoped: client, database: odoo.db, context: {} });
  return { client, model: await describeDocument(source, BC) };
}

/** The results of all rounds. */
interface Results {
  /** First part of the figures' ids. */
  readonly id: string;
  /** The protocol, as people write it. */
  readonly by: string;
  readonly ours: readonly TwoSyncs<MeasuredRun>[];
  readonly bare: readonly Counted[];
  /** Empty if it was not measured. */
  readonly naive: readonly TwoSyncs<Counted>[];
  /** The longest time that a sync may take, in bare fetches; null if there is no target. */
  readonly atMost: number | null;
}

const TIMES = [
  ['first', 'First full sync'],
  ['again', 'Full sync, nothing changed'],
] as const;

export function syncFigures(results: Results): Figure[] {
  return [...(results.naive.length === 0 ? [] : besideNaive(results)), ...besideBareFetch(results)];
}

function besideNaive({ id, by, ours, naive }: Results): Figure[] {
  return TIMES.map(([time, title]) => ({
    id: `${id}.${time}.naive`,
    title: `${title} by ${by}, BC per second`,
    unit: '/s',
    ours: { name: 'Passerelle', values: ours.map((round) => rateOf(round[time])) },
    beside: { name: 'naive rival by XML-RPC', values: naive.map((round) => rateOf(round[time])) },
    target: { is: 'at least', ratio: NAIVE_AT_LEAST },
  }));
}

function besideBareFetch({ id, by, ours, bare, atMost }: Results): Figure[] {
  const beside: Series = { name: `bare fetch by ${by}`, values: bare.map(({ seconds }) => seconds) };
  const target = atMost === null ? null : ({ is: 'at most', ratio: atMost } as const);
  const passerelle = (values: readonly number[]): Series => ({ name: 'Passerelle', values });
  return TIMES.flatMap(([time, title]): Figure[] => [
    {
      ...{ id: `${id}.${time}.bare`, title: `${title} by ${by}`, unit: 's' },
      ...{ ours: passerelle(ours.map((round) => round[time].seconds)), beside, target },
    },
    {
      ...{ id: `${id}.${time}.request`, title: `${title} by ${by}, from the request on`, unit: 's' },
      ...{ ours: passerelle(ours.map((round) => round[time].secondsFromRequest)), beside, target: null },
    },
  ]);
}

function rateOf({ documents, seconds }: Pick<Counted, 'documents' | 'seconds'>): number {
  return documents / seconds;
}
