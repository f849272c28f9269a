import type { OdooValue } from './types.ts';

/** Where something stands in an answer. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A member of a struct: its name, and the bytes from the end of the value before up to its own `<value>`. */
export interface Member extends Span {
  readonly name: string;
}

/** How a struct was written. The records of an answer are written alike: the next one is compared, not parsed. */
export interface Shape {
  readonly members: readonly Member[];
  /** From the end of the last value to `</struct>`. */
  readonly end: Span;
  /** Has each member. A copy is quicker to fill than a struct put together member by member, and smaller. */
  readonly template: Readonly<Record<string, OdooValue>>;
}

/** The shape of a struct, of all its members. */
export function shapeOf(members: readonly Member[], end: Span): Shape {
  const names = Object.fromEntries(members.map(({ name }) => [name, null]));
  // What JSON.parse makes keeps the compact layout, however many members it has; Object.fromEntries does not.
  return { members, end, template: JSON.parse(JSON.stringify(names)) };
}
