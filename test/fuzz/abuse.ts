import fc from 'fast-check';
import type { Position } from '../../src/db/documents/keyset-pagination.ts';
import type { Operation } from './operations.ts';
import type { Knowledge, Trial } from './requests.ts';
import { nasty } from './values.ts';

/** The knowledge for well-formed requests that cost much or try to break a query. */
export interface Abusing extends Pick<Knowledge, 'doorsOf'> {
  /** The fields of the header model. */
  readonly fields: readonly string[];
  /** A cursor of the list by `sort` with a right digest, whatever its content. */
  forge(sort: string, position: Position): string;
}

/** The longest path with its query, in characters. */
const LONGEST = 8192;

/** Lists that are as long as they may be, a little longer, or as long as a URL. */
const COUNTS = [2, 199, 200, 201, 400, LONGEST];

const VALUES: readonly ((at: number) => string)[] = [
  (at) => String(at + 1),
  (at) => `x${at}y`,
  (at) => `${'long'.repeat(64)}${at}`,
  (at) => `2026-01-${String((at % 28) + 1).padStart(2, '0')}`,
  () => 'é"\\{},',
];

/** `filter[field][in]=...`, once with commas or once for each value, up to `room` characters. */
function longList(
  field: string,
  count: number,
  value: (at: number) => string,
  once: boolean,
  room: number,
): string {
  const name = `filter[${encodeURIComponent(field)}][in]=`;
  let text = once ? name : '';
  for (let at = 0; at < count; at += 1) {
    const glue = at === 0 ? '' : once ? ',' : '&';
    const next = `${glue}${once ? '' : name}${encodeURIComponent(value(at))}`;
    if (text.length + next.length > room) break;
    text += next;
  }
  return text;
}

const xid = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n }).map(String),
  fc.constantFrom('0', '1', '5', '-1', ''),
);
const snapshot = fc.oneof(
  fc
    .tuple(xid, xid, fc.array(xid, { maxLength: 3 }))
    .map(([min, max, open]) => `${min}:${max}:${open.join()}`),
  nasty,
);
const number = fc.oneof(fc.constantFrom(-1, 0, 1, 1.5, 2 ** 53, 2 ** 31), fc.integer());
const position = fc
  .tuple(fc.option(nasty), number, snapshot)
  .map(([key, odooId, at]): Position => ({ key, odooId, snapshot: at }));
const encode = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');

/** Long lists, forged cursors and slow searches, of the API and of the admin pages. */
export function abuses(operations: readonly Operation[], abusing: Abusing): fc.Arbitrary<Trial> {
  const { doorsOf, fields, forge } = abusing;
  const at = (suffix: string) => {
    const found = operations.filter(({ method, path }) => method === 'GET' && path.endsWith(suffix));
    return fc.constantFrom(...found);
  };
  const field = fc.constantFrom(...fields);
  const value = fc.constantFrom(...VALUES);
  const lists = fc
    .array(fc.record({ field, value, count: fc.constantFrom(...COUNTS), once: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((list) =>
      list.reduce((query, one) => {
        const room = LONGEST - 100 - query.length;
        return `${query}&${longList(one.field, one.count, one.value, one.once, room)}`;
      }, 'archived=include'),
    );
  // Just below the limit of a URL, at it, and above it.
  const full = fc
    .tuple(field, value, fc.integer({ min: LONGEST - 40, max: LONGEST + 2 }))
    .map(([name, text, length]) => longList(name, LONGEST, text, true, length));
  const searches = fc.tuple(nasty, field, fc.constantFrom('exact', 'estimated')).map(([q, sort, count]) => {
    const text = encodeURIComponent(Buffer.from(q).toString());
    return `count=${count}&archived=include&sort=-${sort}&q=${text}&filter[name][like]=${text}`;
  });
  const cursors = fc
    .tuple(fc.constantFrom('odoo_id', ...fields), position)
    .map(([sort, forged]) => `sort=${sort}&cursor=${forge(sort, forged)}`);
  const feeds = fc
    .tuple(fc.oneof(nasty, fc.constant('1-1')), xid, number, xid, number)
    .map((content) => `after=${encode(content)}`);
  const trial = (operation: fc.Arbitrary<Operation>, query: fc.Arbitrary<string>): fc.Arbitrary<Trial> =>
    fc.tuple(operation, query, fc.nat()).map(([of, text, door]) => {
      const doors = doorsOf(of.path);
      return {
        operation: of,
        method: 'GET',
        target: `${of.path}?${text}`,
        headers: { ...doors[door % doors.length] },
        body: null,
      };
    });
  const listed = at('/api/v1/bc');
  return fc.oneof(
    trial(fc.oneof(listed, at('/api/v1/bc/export')), lists),
    trial(listed, full),
    trial(listed, searches),
    trial(listed, cursors),
    trial(at('/api/v1/bc/changes'), feeds),
  );
}
