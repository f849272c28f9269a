import type { MirrorConfig } from '../../src/config.ts';
import type { Listed } from './api.ts';
import { exists } from './api.ts';

export interface Guide {
  readonly url: string;
  readonly listed: Listed;
  readonly http: MirrorConfig['http'];
  readonly sandboxed: boolean;
  /** The file to source before the command line is used. */
  readonly envFile: string;
  readonly logs: readonly string[];
}

/** What to open and what to try: only what is there. */
export async function guide({ url, listed, http, sandboxed, envFile, logs }: Guide): Promise<string> {
  const login = `   user ${http.adminUser}, password ${http.adminPassword}`;
  const places = [
    ['list of BCs', '/api/v1/bc', ''],
    ['one BC', `/api/v1/bc/${listed.id}?include=lines`, ''],
    ['its history', `/api/v1/bc/${listed.id}/history`, sandboxed ? '   changes at the next run' : ''],
    ['runs and state', '/api/v1/sync', ''],
    ['queues', '/admin/queues', login],
    ['documentation', '/docs', ''],
    ['OpenAPI', '/openapi.json', ''],
  ] as const;
  const there = await Promise.all(places.map(([, path]) => exists(url + path)));
  const open = places
    .filter((_, at) => there[at])
    .map(([name, path, note]) => `  ${name.padEnd(16)}${url}${path}${note}`);
  const tries = commands(url, listed, sandboxed).map((command) => `  ${command}`);
  return `
Open
${open.join('\n')}

Try
${tries.join('\n')}

Command line, from this directory
  . ${envFile} && npx passerelle status

Logs
${logs.map((log) => `  ${log}`).join('\n')}

Ctrl-C stops everything and removes it.`;
}

function commands(url: string, { id, name }: Listed, sandboxed: boolean): string[] {
  const search = encodeURIComponent(name ?? String(id));
  return [
    sandboxed
      ? `curl -s '${url}/api/v1/bc?state=confirmed&sort=-date_order&limit=3&fields=name,state,partner_id&count=exact'`
      : `curl -s '${url}/api/v1/bc?sort=-odoo_id&limit=3&count=exact'`,
    `curl -s '${url}/api/v1/bc?q=${search}&include=lines'`,
    `curl -s -X POST '${url}/api/v1/bc/${id}/resync'`,
    `curl -s '${url}/api/v1/sync/runs?limit=5'`,
  ];
}
