const PREFIX = 'passerelle.';

/** A choice that was kept in this browser; null where there is none, or where the browser keeps nothing. */
export function readStored(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Keeps a choice; null forgets it. A browser that keeps nothing still shows what was chosen, until it is closed. */
export function writeStored(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {}
}
