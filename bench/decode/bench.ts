import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import Deserializer from 'xmlrpc/lib/deserializer.js';
import { parseJson } from '../../src/odoo/decoding/json-decoder.ts';
import { utf8Text, withoutMark } from '../../src/odoo/decoding/text.ts';
import { decodeXmlRpc } from '../../src/odoo/decoding/xmlrpc-decoder.ts';
import type { Figure } from '../frame/figure.ts';
import { inTurns } from '../frame/figure.ts';
import { BenchFailedError } from '../memory/errors.ts';
import { answersWith } from './bodies.ts';

interface DecodeOptions {
  readonly rounds: number;
  /** BCs in a page. */
  readonly documents: number;
}

/** From the bytes of an answer to its values. */
type Decode = (bytes: Buffer) => unknown;

/** Each contender decodes for so long in a round, and the page at least once. */
const LEAST_MS = 500;
/** As sockets hand it out. */
const CHUNK = 65_536;

const refused = (reason: string) => new BenchFailedError(`an answer of the sandbox was refused: ${reason}`);
const ourXml: Decode = (bytes) => {
  const answer = decodeXmlRpc(bytes, refused);
  return 'value' in answer ? answer.value : answer;
};
const ourJson: Decode = (bytes) => parseJson(utf8Text(withoutMark(bytes)), refused);
const bareJson: Decode = (bytes) => JSON.parse(bytes.toString());

/** CPU cost of decoding an answer, in BCs per second. @throws BenchFailedError when decoders disagree. */
export async function measureDecode({ rounds, documents }: DecodeOptions): Promise<Figure[]> {
  const { xml, json } = await answersWith(documents);
  const values = json.map(bareJson);
  if (!isDeepStrictEqual(json.map(ourJson), values)) throw new BenchFailedError('JSON was decoded otherwise');
  if (!isDeepStrictEqual(xml.map(ourXml), values))
    throw new BenchFailedError('XML-RPC was decoded otherwise');
  const rate = (bodies: readonly Buffer[], decode: Decode) => () => rateOf(bodies, decode, documents);
  const [ourXmlRate, packageRate = null, ourJsonRate, bareRate = null] = await inTurns(rounds, [
    { name: 'passerelle', measure: rate(xml, ourXml) },
    { name: 'the xmlrpc package', measure: rate(xml, byPackage) },
    { name: 'passerelle', measure: rate(json, ourJson) },
    { name: 'JSON.parse alone', measure: rate(json, bareJson) },
  ]);
  if (ourXmlRate === undefined || ourJsonRate === undefined) return [];
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
      ...{ ours: ourJsonRate, beside: bareRate, target: { is: 'at least', ratio: 0.7 } },
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
