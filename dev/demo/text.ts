import type { MirrorConfig } from '../../src/config.ts';
import type { Address, Listed } from './api.ts';
import { exists } from './api.ts';

export interface Guide extends Address {
  readonly listed: Listed;
  readonly http: MirrorConfig['http'];
  readonly sandboxed: boolean;
  /** The file to source before the command line is used. */
  readonly envFile: string;
  readonly logs: readonly string[];
}

/** What to open and what to try: only what is there. */
export async function guide(given: Guide): Promise<string> {
  const { url, http, envFile, logs } = given;
  const places = [
    ['queues', '/admin/queues', `   user ${http.adminUser}, password ${http.adminPassword}`],
    ['documentation', '/docs', ''],
    ['OpenAPI', '/openapi.json', ''],
  ] as const;
  const there = await Promise.all(places.map(([, path]) => exists(url + path)));
  const open = places
    .filter((_, at) => there[at])
    .map(([name, path, note]) => `  ${name.padEnd(16)}${url}${path}${note}`);
  const tries = commands(given).flatMap(([title, command]) => [`  # ${title}`, `  ${command}`]);
  return `
Open
${open.join('\n')}

Try
${tries.join('\n')}

Command line, from this directory
  . ${envFile} && npx passerelle status
  . ${envFile} && npx passerelle tryton ping

Logs
${logs.map((log) => `  ${log}`).join('\n')}

Ctrl-C stops everything and removes it, the key too.`;
}

const TRYTON_CALL = JSON.stringify({
  method: 'model.sale.sale.search_read',
  params: [
    [['state', '=', 'quotation']],
    0,
    3,
    [['sale_date', 'DESC']],
    ['number', 'party.rec_name', 'total_amount'],
  ],
});

function commands({ url, key, listed: { id, name }, sandboxed }: Guide): (readonly [string, string])[] {
  const curl = (target: string, post = '') =>
    `curl -s ${post}-H 'Authorization: Bearer ${key}' '${url}/api/v1/${target}'`;
  const rpc = (body: string) =>
    `${curl('tryton/rpc', "-X POST -H 'Content-Type: application/json' ")} -d '${body}'`;
  const list = sandboxed
    ? 'bc?state=confirmed&sort=-date_order&limit=3&fields=name,state,partner_id&count=exact'
    : 'bc?sort=-odoo_id&limit=3&count=exact';
  const search = encodeURIComponent(name ?? String(id));
  return [
    ['the newest BCs, filtered and counted', curl(list)],
    ['one BC with its lines', curl(`bc?q=${search}&include=lines`)],
    [`its history${sandboxed ? ', which grows with the next run' : ''}`, curl(`bc/${id}/history`)],
    ['fetch it again now', curl(`bc/${id}/resync`, '-X POST ')],
    ['state and last runs', curl('sync')],
    ['Tryton: orders that wait, through the gateway', rpc(TRYTON_CALL)],
    ['how Tryton is', curl('tryton/ping')],
  ];
}
