/** Replaces secrets in a text by `***`. */
export type Hide = (text: string) => string;

/** The longest first, so that no part of one is left where it holds another. */
export function hiding(secrets: readonly string[]): Hide {
  const known = secrets.filter((secret) => secret !== '').sort((one, other) => other.length - one.length);
  return (text) => known.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
}
