import type { ApiKeyRow } from '../db/schema/gateway.ts';

/** A key as `--json` shows it: never its hash. */
export function tellKey({ hash: _, ...row }: ApiKeyRow) {
  const { id, prefix, name, scopes, methods, createdAt, expiresAt, lastUsedAt, revokedAt } = row;
  return {
    id,
    prefix,
    name,
    scopes,
    methods,
    createdAt,
    expiresAt,
    lastUsedAt,
    revokedAt,
    state: stateOf(row),
  };
}

type State = 'usable' | 'expired' | 'revoked';

function stateOf({ revokedAt, expiresAt }: Pick<ApiKeyRow, 'revokedAt' | 'expiresAt'>): State {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt.getTime() <= Date.now() ? 'expired' : 'usable';
}

const HEADINGS = ['ID', 'PREFIX', 'NAME', 'SCOPES', 'METHODS', 'CREATED', 'EXPIRES', 'LAST USED', 'STATE'];

/** The keys as a table for people, UTC. */
export function keyLines(rows: readonly ApiKeyRow[]): string[] {
  if (rows.length === 0) return ['There is no key yet; create one with "passerelle keys create".'];
  const cells = rows.map((row) => [
    String(row.id),
    row.prefix,
    row.name,
    row.scopes.join(','),
    methodsText(row),
    day(row.createdAt) ?? '',
    day(row.expiresAt) ?? 'never',
    minute(row.lastUsedAt) ?? 'never',
    stateOf(row),
  ]);
  const table = [HEADINGS, ...cells];
  const widths = HEADINGS.map((_, at) => Math.max(...table.map((line) => line[at]?.length ?? 0)));
  return table.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** What a key reaches in Tryton. */
export function methodsText({ scopes, methods }: Pick<ApiKeyRow, 'scopes' | 'methods'>): string {
  if (methods.length > 0) return methods.join(',');
  return scopes.includes('tryton:call') || scopes.includes('admin') ? 'reads' : '-';
}

const day = (date: Date | null) => date?.toISOString().slice(0, 10);
const minute = (date: Date | null) => date?.toISOString().slice(0, 16).replace('T', ' ');
