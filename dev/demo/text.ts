import type { MirrorConfig } from '../../src/config/index.ts';
import type { Address, Listed } from './api.ts';
import { exists } from './api.ts';
import { BROKEN_MS, type BrokenBc } from './steps.ts';

interface Guide extends Address {
  readonly listed: Listed;
  readonly http: MirrorConfig['http'];
  readonly sandboxed: boolean;
  readonly broken: BrokenBc | null;
  /** The file to source before the command line is used. */
  readonly envFile: string;
  readonly logs: readonly string[];
}

/** Addresses to open and commands to try. It shows only those that work now. */
export async function guide(given: Guide): Promise<string> {
  const { url, http, envFile, logs } = given;
  const places = [
    ['dashboard', '/admin', `   user ${http.adminUser}, password ${http.adminPassword}`],
    ['queues', '/admin/queues', ''],
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
${brokenText(given)}
Command line, from this directory
  . ${envFile} && npx passerelle status
  . ${envFile} && npx passerelle tryton ping

Logs
${logs.map((log) => `  ${log}`).join('\n')}

Ctrl-C stops everything and removes it, the key too.`;
}

/** The fault that the reader can repair as an exercise. */
function brokenText({ broken, envFile }: Guide): string {
  if (broken === null) return '';
  return `
Repair
  ${broken.name} fails now: for the first ${Math.ceil(BROKEN_MS / 60_000)} minutes Odoo refuses to return it. All other BCs work.
  The dashboard shows the failure. After that time, Retry there or this command resolves it:
  . ${envFile} && npx passerelle resync ${broken.id}
`;
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
    ['all of them for a spreadsheet, in bc.csv', `${curl('bc/export?format=csv&bom=true')} -o bc.csv`],
    ['what changed since the beginning, page by page', curl('bc/changes?limit=3')],
    [`its history${sandboxed ? ', which grows with the next run' : ''}`, curl(`bc/${id}/history`)],
    ['fetch it again now', curl(`bc/${id}/resync`, '-X POST ')],
    ['state and last runs', curl('sync')],
    ['Tryton: orders that wait, through the gateway', rpc(TRYTON_CALL)],
    ['the state of Tryton', curl('tryton/ping')],
  ];
}
