import { BC_MIRROR } from '../shared/mirror-names.ts';
import { type Line, type Piece, styled } from './io.ts';

export function count(value: number): string {
  return value.toLocaleString('en');
}

/** `1 order`, `2 orders`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

const UNITS = [
  { ms: 86_400_000, name: 'd' },
  { ms: 3_600_000, name: 'h' },
  { ms: 60_000, name: 'min' },
] as const;

/** A time span in its largest unit of which it has at least two: `90 s`, `3 min`, `36 h`, `12 d`. */
export function span(ms: number): string {
  const unit = UNITS.find((candidate) => ms >= 2 * candidate.ms) ?? { ms: 1000, name: 's' };
  return `${count(Math.floor(ms / unit.ms))} ${unit.name}`;
}

/** A moment relative to `now`: `7 s ago`, `in 4 min`, `just now`. */
export function relative(moment: Date, now: Date): string {
  const ms = now.getTime() - moment.getTime();
  if (Math.abs(ms) < 1000) return ms < 0 ? 'now' : 'just now';
  return ms > 0 ? `${span(ms)} ago` : `in ${span(-ms)}`;
}

export function shorten(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1)}…`;
}

/** A line below a heading. */
export function indented(line: Line): Line {
  return typeof line === 'string' || 'style' in line ? ['  ', line] : ['  ', ...line];
}

const textOf = (piece: Piece) => (typeof piece === 'string' ? piece : piece.text);

function padded(piece: Piece, width: number): Piece {
  if (typeof piece === 'string') return piece.padEnd(width);
  return { ...piece, text: piece.text.padEnd(width) };
}

/** Rows in columns, with two blanks between them and `indent` before them. */
export function columns(rows: readonly (readonly Piece[])[], indent = ''): Line[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((piece, at) => {
      widths[at] = Math.max(widths[at] ?? 0, textOf(piece).length);
    });
  return rows.map((row) => [
    indent,
    ...row.flatMap((piece, at): Piece[] => {
      const isLast = row.slice(at + 1).every((later) => textOf(later) === '');
      if (isLast) return textOf(piece) === '' ? [] : [piece];
      return [padded(piece, widths[at] ?? 0), '  '];
    }),
  ]);
}

/** The same below headings. */
export function table(headings: readonly string[], rows: readonly (readonly Piece[])[], indent = ''): Line[] {
  return columns([headings.map((heading) => styled('bold', heading)), ...rows], indent);
}

/** The words of the texts about the documents of a mirror. */
export interface Words {
  readonly document: 'BC' | 'record';
  /** The same at the beginning of a sentence. */
  readonly title: 'BC' | 'Record';
  readonly order: 'order' | 'record';
  /** `3 BC`, `3 records`. */
  readonly amount: (documents: number) => string;
  /** The end of a command that the text names: ` --mirror partners`. */
  readonly flag: string;
}

const BC_WORDS: Words = {
  document: 'BC',
  title: 'BC',
  order: 'order',
  amount: (documents) => `${count(documents)} BC`,
  flag: '',
};

export function wordsOf(mirror: string): Words {
  if (mirror === BC_MIRROR) return BC_WORDS;
  return {
    document: 'record',
    title: 'Record',
    order: 'record',
    amount: (documents) => counted(documents, 'record'),
    flag: ` --mirror ${mirror}`,
  };
}
