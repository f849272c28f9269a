import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import Deserializer from 'xmlrpc/lib/deserializer.js';
import { serializeMethodCall } from 'xmlrpc/lib/serializer.js';
import { startSandboxOdoo } from '../dev/sandbox-odoo/sandbox.ts';
import { parseJson } from '../src/odoo/decoding/json-decoder.ts';
import { utf8Text, withoutMark } from '../src/odoo/decoding/text.ts';
import { decodeXmlRpc } from '../src/odoo/decoding/xmlrpc-decoder.ts';
import { MeasurementFailedError } from './errors.ts';
import type { Figure } from './reporting/figures.ts';
import { seriesInTurns } from './reporting/figures.ts';
import { fetchText } from './setup/load.ts';

interface DecodeOptions {
  readonly rounds: number;
  /** BCs in a page. */
  readonly documents: number;
}

/** Decodes the bytes of an answer. */
type Decode = (bytes: Buffer) => unknown;

/** Each subject decodes for so long in a round, and the page at least once. */
const LEAST_MS = 500;
const MODELS = ['dimagaz.bc', 'dimagaz.bc.line'];
/** The user of the sandbox. */
const USER_ID = 2;
/** The size in which a socket delivers data. */
const CHUNK = 65_536;

const refused = (reason: string) =>
  new MeasurementFailedError(`The decoder refused an answer of the sandbox: ${reason}`);
const ourXml: Decode = (bytes) => {
  const answer = decodeXmlRpc(bytes, refused);
  return 'value' in answer ? answer.value : answer;
};
const ourJson: Decode = (bytes) => parseJson(utf8Text(withoutMark(bytes)), refused);
const plainJson: Decode = (bytes) => JSON.parse(bytes.toString());

/** Measures decoding alone, in BCs per second. @throws MeasurementFailedError if the decoders disagree. */
export async function measureDecode({ rounds, documents }: DecodeOptions): Promise<Figure[]> {
  const { xml, json } = await readAnswers(documents);
  const values = json.map(plainJson);
  if (!isDeepStrictEqual(json.map(ourJson), values))
    throw new MeasurementFailedError('Our decoder and JSON.parse disagree');
  if (!isDeepStrictEqual(xml.map(ourXml), values))
    throw new MeasurementFailedError('The decoded XML-RPC differs from the decoded JSON');
  const rate = (bodies: readonly Buffer[], decode: Decode) => () => rateOf(bodies, decode, documents);
  const [ourXmlRate, packageRate, ourJsonRate, plainJsonRate] = await seriesInTurns(rounds, [
    { name: 'passerelle', measure: rate(xml, ourXml) },
    { name: 'the xmlrpc package', measure: rate(xml, byPackage) },
    { name: 'passerelle', measure: rate(json, ourJson) },
    { name: 'JSON.parse alone', measure: rate(json, plainJson) },
  ] as const);
  return [
    {
      ...{
        id: 'decode.xmlrpc',
        title: `BCs decoded from XML-RPC, ${sizeOf(xml, documents)} each`,
        unit: '/s',
      },
      ...{ ours: ourXmlRate, beside: packageRate, target: { is: 'at least', ratio: 10 } },
    },
    {
      ...{ id: 'decode.json', title: `BCs decoded from JSON, ${sizeOf(json, documents)} each`, unit: '/s' },
      ...{ ours: ourJsonRate, beside: plainJsonRate, target: { is: 'at least', ratio: 0.7 } },
    },
  ];
}

async function rateOf(bodies: readonly Buffer[], decode: Decode, documents: number): Promise<number> {
  const start = performance.now();
  let pages = 0;
  let took = 0;
  for (; took < LEAST_MS; took = performance.now() - start) {
    for (const bytes of bodies) await decode(bytes);
    pages++;
  }
  return (pages * documents * 1000) / took;
}

function byPackage(bytes: Buffer): Promise<unknown> {
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_, at) =>
    bytes.subarray(at * CHUNK, (at + 1) * CHUNK),
  );
  return new Promise((resolve, reject) => {
    new Deserializer('utf8').deserializeMethodResponse(
      Readable.from(chunks, { objectMode: false }),
      (error, value) => (error === null ? resolve(value) : reject(error)),
    );
  });
}

function sizeOf(bodies: readonly Buffer[], documents: number): string {
  const bytes = bodies.reduce((sum, { length }) => sum + length, 0);
  return `${(bytes / documents / 1000).toFixed(1)} KB`;
}

/** Answers of a sandbox Odoo: the same BCs and lines with all their fields. One answer for each model. */
async function readAnswers(documents: number): Promise<Record<'xml' | 'json', readonly Buffer[]>> {
  const sandbox = await startSandboxOdoo({ documents });
  const { url, db, apiKey } = sandbox;
  const jsonHeaders = {
    'content-type': 'application/json',
    authorization: `bearer ${apiKey}`,
    'x-odoo-database': db,
  };
  try {
    const xml: Buffer[] = [];
    const json: Buffer[] = [];
    for (const model of MODELS) {
      const ids = sandbox.ids(model);
      const fields = Object.keys(sandbox.read(model, ids.slice(0, 1))[0] ?? {});
      const xmlCall = serializeMethodCall('execute_kw', [db, USER_ID, apiKey, model, 'read', [ids, fields]]);
      const jsonCall = JSON.stringify({ ids, fields });
      xml.push(await post(`${url}/xmlrpc/2/object`, { 'content-type': 'text/xml' }, xmlCall));
      json.push(await post(`${url}/json/2/${model}/read`, jsonHeaders, jsonCall));
    }
    return { xml, json };
  } finally {
    await sandbox.stop();
  }
}

async function post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<Buffer> {
  return Buffer.from(await fetchText({ url, headers, body }));
}
