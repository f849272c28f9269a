const SECRET = /(PASSWORD|SECRET|TOKEN|HASH_KEY)$/;
const ADDRESS = /_(URL|ENDPOINT)$/;
const MASK = '***';

/** Variables that contain nothing but a secret. */
export const isSecret = (name: string): boolean => SECRET.test(name);

/** Variables that contain a URL, which may contain a password. */
export const isAddress = (name: string): boolean => ADDRESS.test(name);

/** The value without its secrets: for a person who checks the configuration. */
export function masked(name: string, value: string): string {
  if (isSecret(name)) return MASK;
  return isAddress(name) ? maskedUrl(name, value) : value;
}

const MAX_SHOWN = 80;

/** The same for an error message: in quotes, and not longer than a line. */
export function quoted(name: string, value: string): string {
  if (isSecret(name)) return `a value of ${value.length} characters`;
  const shown = masked(name, value);
  return JSON.stringify(shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown);
}

/** A host with an optional port and path, without a scheme. */
export const HOST_ALONE = /^[\w-]+(\.[\w-]+)*(:\d+)?(\/[\w./-]*)?$/;

/**
 * Services hide their keys in different parts of a URL: PostgreSQL, Redis and SMTP have a password, an HTTP API may
 * take a key as the user, in the query or in the path. A text that is no URL is shown only if it is a host.
 */
function maskedUrl(name: string, text: string): string {
  if (!URL.canParse(text) || new URL(text).host === '') return HOST_ALONE.test(text) ? text : MASK;
  const { protocol, username, password, host, pathname, search, hash } = new URL(text);
  const isHttp = /^https?:$/.test(protocol);
  const user = isHttp || password === '' ? MASK : `${username}:${MASK}`;
  const path = name === 'ALERT_WEBHOOK_URL' && pathname !== '/' ? `/${MASK}` : pathname;
  return [
    `${protocol}//`,
    username + password === '' ? '' : `${user}@`,
    host,
    path === '/' && !text.includes(`${host}/`) ? '' : path,
    search === '' ? '' : `?${isHttp || /pass|secret|token|key/i.test(search) ? MASK : search.slice(1)}`,
    hash === '' ? '' : `#${MASK}`,
  ].join('');
}
