const MOST_LINES = 14;
const MOST_WIDTH = 118;
/** Longer arrays show their first item only. */
const MOST_ITEMS = 2;
const MOST_MEMBERS = 10;

/** Values that differ from run to run, and the values that a document shows in their place. */
const CHANGING: readonly (readonly [RegExp, string])[] = [
  [/psl_[\w-]{20,}/g, 'psl_...'],
  [/\b([0-9a-f]{8})[0-9a-f]{56}\b/g, '$1...'],
  [/"(nextCursor|cursor|after|snapshot)": "[^"]+"/g, '"$1": "WyIx..."'],
  [/"(\w+Ms|\w+Seconds)": \d+(\.\d+)?/g, '"$1": 8'],
  [/\b(\d+ (h|min) )?\d+(\.\d+)? (ms|s)\b/g, '8 $4'],
  [/\b(in|within) \d+ (min|h)\b/g, '$1 8 min'],
  [/\bnext retry [^,\n]*/g, 'next retry in 8 min'],
  [/\b\d+ (min|h) ago\b/g, '8 s ago'],
];

/** Times of the run itself; those of the records are fixed. */
const TIME = /\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z| UTC)?/g;
const DAY_MS = 86_400_000;
const SHOWN_DAY = '2026-01-31';

const isNow = (time: string): boolean => Date.parse(time.replace(' UTC', 'Z')) > Date.now() - DAY_MS;

/** A time of the same form, on the day of the records. */
const fixed = (time: string): string =>
  time
    .replace(/^[\d-]+/, SHOWN_DAY)
    .replace(/\d\d:\d\d(:\d\d)?/, (_, seconds) => `08:00${seconds === undefined ? '' : ':00'}`)
    .replace(/\.\d+/, '.000');

/** The output of a command as a document shows it. */
export function shown(output: string, kind: string): string {
  const text = kind === 'json' ? compact(JSON.stringify(shortened(JSON.parse(output)), null, 2)) : output;
  const lines = text.replaceAll('\ufeff', '').trimEnd().split('\n');
  const kept = kind === 'json' || lines.length <= MOST_LINES ? lines : [...lines.slice(0, MOST_LINES), '…'];
  const cut = kept.map((line) =>
    line.length > MOST_WIDTH ? `${line.slice(0, MOST_WIDTH)}…` : line.trimEnd(),
  );
  const timeless = cut.join('\n').replaceAll(TIME, (time) => (isNow(time) ? fixed(time) : time));
  return CHANGING.reduce((result, [pattern, value]) => result.replaceAll(pattern, value), timeless);
}

/** Long arrays and objects end with an ellipsis. */
function shortened(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.length > MOST_ITEMS ? [shortened(value[0]), '…'] : value.map(shortened);
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value);
  const kept = members.slice(0, MOST_MEMBERS).map(([name, member]) => [name, shortened(member)] as const);
  return Object.fromEntries(members.length > MOST_MEMBERS ? [...kept, ['…', '…'] as const] : kept);
}

/** Arrays and objects of plain values are on one line if they fit. */
function compact(json: string): string {
  return json.replaceAll(
    /([[{])\n\s+([^[\]{}]*?)\n\s+([\]}])/g,
    (whole, open: string, inner: string, close: string) => {
      const line = `${open}${open === '{' ? ' ' : ''}${inner.replaceAll(/\n\s+/g, ' ')}${open === '{' ? ' ' : ''}${close}`;
      return line.length <= MOST_WIDTH - 20 ? line : whole;
    },
  );
}
