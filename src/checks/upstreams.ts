import type { Config } from '../config/index.ts';
import { type Database, databaseClock } from '../db/client.ts';
import { mirrorProblems } from '../discovery/check-mirrors.ts';
import type { OdooClient } from '../odoo/types.ts';
import { describeDocument, isDated } from '../sync/model/document-model.ts';
import { scopedClient } from '../sync/source/scope.ts';
import { type DocumentModel, definitionOf } from '../sync/types.ts';
import type { TrytonClient } from '../tryton/client.ts';
import { type Finding, failed, ok, warning } from './findings.ts';

export interface CheckedUpstreams {
  readonly config: Config;
  readonly db: Database;
  /** Null if no Odoo is configured. */
  readonly odoo: OdooClient | null;
  /** Null if no Tryton is configured. */
  readonly tryton: TrytonClient | null;
}

/** The clocks of two servers differ by some seconds, and Odoo gives whole seconds. */
const TOLERATED_SECONDS = 10;

const PROTOCOLS = { xmlrpc: 'XML-RPC', jsonrpc: 'JSON-RPC', json2: 'JSON-2' } as const;

export async function* checkOdoo({ config, db, odoo }: CheckedUpstreams): AsyncGenerator<Finding> {
  if (odoo === null || config.odoo === null) return;
  const { version, protocol } = await odoo.connect();
  yield ok('login', `Version ${version} at ${odoo.target} by ${PROTOCOLS[protocol]}, as ${config.odoo.user}`);
  const { mirrors, placeOf } = config;
  const problems = placeOf === null ? [] : await mirrorProblems(odoo, mirrors, placeOf);
  for (const problem of problems) yield failed('mirrors', problem);
  if (problems.length > 0) return;
  for (const own of mirrors) {
    const seen = scopedClient(odoo, own, config);
    const model = await describeDocument({ describe: (name) => seen.fieldsGet(name) }, definitionOf(own));
    const fields = (of: 'header' | 'line') => `${model[of].name} (${model[of].requested.length} fields)`;
    yield ok(
      'models',
      own.lineModel === null ? fields('header') : `${fields('header')} with ${fields('line')}`,
    );
    yield isDated(model)
      ? ok(
          'write_date',
          `${own.lineModel === null ? `${own.model} has` : 'Both models have'} write_date: runs read only what changed.`,
        )
      : warning(
          'write_date',
          'A model has no write_date: every run reads everything.',
          'Raise SYNC_EVERY if that takes long.',
        );
    yield await sampleOf(seen, model);
  }
  yield await clocksOf(odoo, db);
}

/** Reads one record with all its fields, as a run does. */
async function sampleOf(odoo: OdooClient, { header, line, inverse }: DocumentModel): Promise<Finding> {
  const [id] = await odoo.search(header.name, [], { order: 'id desc', limit: 1 });
  if (id === undefined)
    return warning(
      'sample',
      `The user sees no record of ${header.name}.`,
      'If Odoo has some, look at the record rules and the companies of the user.',
    );
  const [record] = await odoo.read(header.name, [id], { fields: header.requested, binSize: true });
  const lines = await odoo.searchRead(line.name, [[inverse, '=', id]], {
    fields: line.requested,
    binSize: true,
    limit: 1,
  });
  const name = typeof record?.['name'] === 'string' ? record['name'] : `id ${id}`;
  const total = await odoo.searchCount(header.name, []);
  return ok(
    'sample',
    `${name} can be read, ${lines.length === 0 ? 'without lines' : 'with its lines'}; ${total} records in all.`,
  );
}

async function clocksOf(odoo: OdooClient, db: Database): Promise<Finding> {
  const [there, here] = await Promise.all([odoo.clock(), databaseClock(db)]);
  const seconds = Math.round((there.getTime() - here.getTime()) / 1000);
  return Math.abs(seconds) <= TOLERATED_SECONDS
    ? ok('clock', 'The clocks of Odoo and PostgreSQL agree.')
    : warning(
        'clock',
        `The clock of Odoo is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} that of PostgreSQL.`,
        'Set both by the network (NTP). Nothing is lost, but ages are shown wrong.',
      );
}

export async function* checkTryton({ tryton }: CheckedUpstreams): AsyncGenerator<Finding> {
  if (tryton === null) return;
  const { reachable, authenticated, version, error } = await tryton.ping();
  if (!reachable || !authenticated) {
    yield failed(reachable ? 'login' : 'connection', error?.message ?? `${tryton.server} gave no answer.`);
    return;
  }
  yield ok('login', `Version ${version ?? 'unknown'} at ${tryton.server}, as ${tryton.user}`);
}
