import createClient from 'openapi-fetch';
import type { paths } from './schema.ts';

/** A client of the service at PASSERELLE_URL, with the key in PASSERELLE_KEY (`bc:read` is enough). */
export function connect() {
  const { PASSERELLE_URL: baseUrl = 'http://127.0.0.1:3000', PASSERELLE_KEY: key } = process.env;
  if (key === undefined) throw new Error('Set PASSERELLE_KEY to a key made by `passerelle keys create`.');
  return createClient<paths>({
    baseUrl,
    headers: { authorization: `Bearer ${key}` },
    querySerializer: (query) => new URLSearchParams([...pairs(query)]).toString(),
  });
}

/** `{ filter: { amount_total: { gte: '1000' } } }` as `filter[amount_total][gte]=1000`. */
function* pairs(query: object, name = (key: string) => key): Generator<[string, string]> {
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) for (const one of value) yield [name(key), String(one)];
    else if (typeof value === 'object' && value !== null) {
      yield* pairs(value, (inner) => `${name(key)}[${inner}]`);
    } else yield [name(key), String(value)];
  }
}

/** The data of an answer. A problem becomes an error whose `code` is stable. */
export function dataOf<Data>({ data, error }: { data?: Data; error?: unknown }): Data {
  if (data === undefined) throw new Error(`The service refused: ${JSON.stringify(error)}`);
  return data;
}
