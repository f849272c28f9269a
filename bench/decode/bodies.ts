import { serializeMethodCall } from 'xmlrpc/lib/serializer.js';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { BenchFailedError } from '../memory/errors.ts';

/** The same BCs and their lines, every field of them, as the sandbox Odoo sends them: one answer for each model. */
interface Bodies {
  readonly xml: readonly Buffer[];
  readonly json: readonly Buffer[];
}

const MODELS = ['dimagaz.bc', 'dimagaz.bc.line'];

/** @throws BenchFailedError when the sandbox does not answer. */
export async function answersWith(documents: number): Promise<Bodies> {
  const sandbox = await startSandboxOdoo({ documents });
  try {
    const xml: Buffer[] = [];
    const json: Buffer[] = [];
    for (const model of MODELS) {
      const ids = sandbox.ids(model);
      const fields = Object.keys(sandbox.read(model, ids.slice(0, 1))[0] ?? {});
      xml.push(await byXmlRpc(sandbox, model, ids, fields));
      json.push(await byJson2(sandbox, model, ids, fields));
    }
    return { xml, json };
  } finally {
    await sandbox.stop();
  }
}

function byXmlRpc(
  { url, db, apiKey }: SandboxOdoo,
  model: string,
  ids: readonly number[],
  fields: readonly string[],
): Promise<Buffer> {
  const params = [db, 2, apiKey, model, 'read', [ids, fields]];
  const body = serializeMethodCall('execute_kw', params);
  return post(`${url}/xmlrpc/2/object`, { 'content-type': 'text/xml' }, body);
}

function byJson2(
  { url, db, apiKey }: SandboxOdoo,
  model: string,
  ids: readonly number[],
  fields: readonly string[],
): Promise<Buffer> {
  const headers = {
    ...{ 'content-type': 'application/json', authorization: `bearer ${apiKey}` },
    'x-odoo-database': db,
  };
  return post(`${url}/json/2/${model}/read`, headers, JSON.stringify({ ids, fields }));
}

async function post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Buffer> {
  const answer = await fetch(url, { method: 'POST', headers, body });
  if (answer.status !== 200) throw new BenchFailedError(`the sandbox answered HTTP ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}
