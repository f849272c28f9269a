const BAR_WIDTH = 24;
/** A rate from less than this is mostly chance. */
const LEAST_SECONDS = 1;

export const count = (value: number): string => value.toLocaleString('en');

/** `[######------] 2,500 / 5,000 BC, 500/s, 5 s left`; `seconds` since the first of them was begun. */
export function progressLine(done: number, planned: number, seconds: number): string {
  const full = planned === 0 ? BAR_WIDTH : Math.floor((done / planned) * BAR_WIDTH);
  const bar = '#'.repeat(full) + '-'.repeat(BAR_WIDTH - full);
  const parts = [`[${bar}] ${count(done)} / ${count(planned)} BC`];
  if (seconds >= LEAST_SECONDS && done > 0) {
    const rate = done / seconds;
    parts.push(`${count(Math.round(rate))}/s`, `${count(Math.ceil((planned - done) / rate))} s left`);
  }
  return parts.join(', ');
}
