/** Replaces secrets in a text by `***`. */
export type Redactor = (text: string) => string;

/** The longest first: it may contain a shorter one. */
export function createRedactor(secrets: readonly string[]): Redactor {
  const known = secrets.filter((secret) => secret !== '').sort((one, other) => other.length - one.length);
  return (text) => known.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
}

/** Host, port and path of a URL, without its user and password. */
export function placeOfUrl(url: string): string {
  const { host, pathname } = new URL(url);
  return host + (pathname === '/' ? '' : pathname);
}
