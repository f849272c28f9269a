/** Reasons come from other servers and may be of any length. */
const LONGEST_REASON = 300;

/** A reason on one line, cut where it is too long. */
export function short(reason: string): string {
  const line = reason.replace(/\s+/g, ' ').trim();
  return line.length <= LONGEST_REASON ? line : `${line.slice(0, LONGEST_REASON - 1)}…`;
}

/** UTC, whole seconds. */
export function moment(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** A part of a URL as it was meant; one that is no good encoding stands for itself. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
