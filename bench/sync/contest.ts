import postgres from 'postgres';
import type { Stage } from '../../dev/demo/context.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { OdooClient, OdooProtocol } from '../../src/odoo/types.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import { describeDocument } from '../../src/sync/model/document-model.ts';
import { bcDefinition, type DocumentModel } from '../../src/sync/types.ts';
import { MeasurementFailedError } from '../frame/errors.ts';
import { valueText } from '../frame/format.ts';
import type { MeasuredRun } from '../frame/mirror.ts';
import { measureRun, openScratchMirror } from '../frame/mirror.ts';
import type { Servers } from '../frame/servers.ts';
import { scratchDatabase } from '../frame/servers.ts';
import type { Fetched, Fetcher } from '../rival/bare-fetch.ts';
import { bareFetch, PAGES_IN_FLIGHT } from '../rival/bare-fetch.ts';
import type { NaiveOdoo, NaiveResult } from '../rival/naive.ts';
import { createNaiveTables, naiveSync } from '../rival/naive.ts';

/** The data to copy. */
export interface Size {
  readonly documents: number;
  readonly lines: number;
}

/** Something done twice: from nothing, and once more with nothing changed. */
export interface Twice<Result> {
  readonly first: Result;
  readonly again: Result;
}

/** A call of a bare fetch reads whole pages, by whatever protocol. */
const TIMEOUT_MS = 300_000;
const BC = { model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line' } as const;

/** Full runs of a mirror that has never run, by a worker of its own. */
export function mirrorTwice(
  stage: Stage,
  servers: Servers,
  odoo: NaiveOdoo,
  protocol: OdooProtocol,
  size: Size,
): Promise<Twice<MeasuredRun>> {
  return withResources(async (defer) => {
    const mirror = await openScratchMirror({ ...stage, defer }, servers, {
      ...{ ODOO_URL: odoo.url, ODOO_DB: odoo.db, ODOO_USER: odoo.user, ODOO_PASSWORD: odoo.password },
      ODOO_PROTOCOL: protocol,
    });
    const { documents, lines: linesSeen } = size;
    const first = await measureRun(stage, mirror, 'full', { created: documents, linesSeen });
    const again = await measureRun(stage, mirror, 'full', { unchanged: documents, linesSeen });
    const calls = `${first.calls} and ${again.calls} calls`;
    stage.screen.line(`Passerelle by ${protocol}: ${timesText({ first, again })}, ${calls}`);
    return { first, again };
  });
}

/** The rival over the first `sample` BC, into empty tables and over them once more. */
export function naiveTwice(
  stage: Stage,
  servers: Servers,
  odoo: NaiveOdoo,
  sample: number,
): Promise<Twice<NaiveResult>> {
  return withResources(async (defer) => {
    const sql = postgres(await scratchDatabase(servers, defer), { max: 1, onnotice: () => {} });
    defer(() => sql.end({ timeout: 5 }));
    await createNaiveTables(sql);
    const copy = async () => {
      const result = await stage.ending.before(naiveSync(sql, odoo, sample));
      if (result.documents === sample) return result;
      throw new MeasurementFailedError(`The rival copied ${result.documents} BC of ${sample}`);
    };
    const results = { first: await copy(), again: await copy() };
    stage.screen.line(`the naive rival: ${timesText(results)}`);
    return results;
  });
}

/** @throws MeasurementFailedError when it did not bring everything. */
export async function wholeFetch(stage: Stage, fetcher: Fetcher, size: Size): Promise<Fetched> {
  const fetched = await stage.ending.before(bareFetch(fetcher));
  stage.screen.line(`${fetcher.name}: ${valueText(fetched.seconds, 's')}`);
  if (fetched.documents === size.documents && fetched.lines === size.lines) return fetched;
  throw new MeasurementFailedError(
    `A bare fetch brought ${fetched.documents} BC and ${fetched.lines} lines, not ${JSON.stringify(size)}`,
  );
}

function timesText({ first, again }: Twice<{ readonly seconds: number }>): string {
  return `${valueText(first.seconds, 's')}, again ${valueText(again.seconds, 's')}`;
}

/** A client signed in by this protocol, and the model as it describes it. `defer` closes it. */
export async function openFetchClient(
  odoo: NaiveOdoo,
  protocol: OdooProtocol,
  defer: Stage['defer'],
): Promise<{ readonly client: OdooClient; readonly model: DocumentModel }> {
  const limits = { timeoutMs: TIMEOUT_MS, context: {}, concurrency: PAGES_IN_FLIGHT };
  const client = createOdooClient({ ...odoo, protocol, ...limits });
  defer(() => client.close());
  return { client, model: await describeDocument(client, bcDefinition(BC, { binaries: true })) };
}

export function rateOf({
  documents,
  seconds,
}: {
  readonly documents: number;
  readonly seconds: number;
}): number {
  return documents / seconds;
}
