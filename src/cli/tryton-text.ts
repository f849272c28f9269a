import type { PingReport } from '../tryton/types.ts';

/** A ping for people: what holds, and what to do where something does not. */
export function pingLines(place: string, report: PingReport): string[] {
  const { reachable, version, latencyMs, circuit, error } = report;
  return [
    `Tryton     ${place}`,
    `Reachable  ${reachable ? `yes, version ${version ?? 'unknown'}, ${latencyMs ?? 0} ms` : 'no'}`,
    `Signed in  ${signedIn(report)}`,
    ...(circuit === null ? [] : [`Logins     none before ${new Date(circuit.until).toISOString()}`]),
    ...(error === null ? [] : [`Problem    ${error.message.replace(/\s+/g, ' ')}`]),
  ];
}

function signedIn({ authenticated, sessionAgeMs }: PingReport): string {
  if (!authenticated) return 'no';
  return sessionAgeMs === null ? 'yes' : `yes, session ${Math.round(sessionAgeMs / 1000)} s old`;
}

/** An escape, a quotation mark, or what a line begins or ends with. One pattern for a whole text overflows V8's stack. */
const TOKEN = /\\.|"|[{[]\s*[}\]]|[{}[\],:]/g;

/** JSON as people read it, two spaces a level. The text itself is left as it is: numbers keep their digits. */
export function indented(json: string): string {
  let depth = 0;
  let inText = false;
  return json.replace(TOKEN, (token) => {
    if (token === '"') inText = !inText;
    if (inText) return token;
    if (token === ':') return ': ';
    if (token === ',') return `,\n${'  '.repeat(depth)}`;
    if (token === '{' || token === '[') return `${token}\n${'  '.repeat(++depth)}`;
    if (token === '}' || token === ']') return `\n${'  '.repeat(--depth)}${token}`;
    return token;
  });
}
