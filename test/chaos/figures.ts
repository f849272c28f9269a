import type postgres from 'postgres';

/** Figures by name; those of several scenarios add up. */
export type Figures = Readonly<Record<string, number>>;

export function sum(all: readonly Figures[]): Figures {
  const total: Record<string, number> = {};
  for (const figures of all) {
    for (const [name, value] of Object.entries(figures)) total[name] = (total[name] ?? 0) + value;
  }
  return total;
}

/** How much figures grew. */
export function difference<Names extends string>(
  after: Readonly<Record<Names, number>>,
  before: Readonly<Record<Names, number>>,
): Figures {
  return Object.fromEntries(
    Object.entries<number>(after).map(([name, value]) => [name, value - before[name as Names]]),
  );
}

/** One figure per line, the numbers under one another. Those with a colon are kinds of something: they come last. */
export function table(figures: Figures): string {
  const names = Object.keys(figures);
  const kinds = names.filter((name) => name.includes(':')).sort();
  const ordered = [...names.filter((name) => !name.includes(':')), ...kinds];
  const width = Math.max(...names.map((name) => name.length));
  return ordered
    .map((name) => `  ${name.padEnd(width)}  ${(figures[name] ?? 0).toLocaleString('en').padStart(9)}`)
    .join('\n');
}

/** The log of the mirror about a scenario. */
export async function runFigures(sql: postgres.Sql): Promise<Figures> {
  const runs = await sql<{ name: string; n: number }[]>`
    select mode || ' runs: ' || status as name, count(*)::int as n from sync_log group by 1 order by 1`;
  const [counts] = await sql<Record<string, number>[]>`
    select (select coalesce(sum(late), 0)::int from sync_log) as late,
      (select coalesce(sum(archived), 0)::int from sync_log) as archived,
      (select count(*)::int from audit_log where action = 'restored') as restored,
      (select count(*)::int from sync_failure) as failures`;
  return {
    'late changes caught by sweeps': counts?.['late'] ?? 0,
    'BCs archived': counts?.['archived'] ?? 0,
    'BCs that came back': counts?.['restored'] ?? 0,
    'failures of single BCs, all resolved': counts?.['failures'] ?? 0,
    ...Object.fromEntries(runs.map(({ name, n }) => [name, n])),
  };
}
