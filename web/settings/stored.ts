const PREFIX = 'passerelle.';

/** A choice stored in this browser; null without a choice, or without storage. */
export function readStored(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Stores a choice; null deletes it. A browser without storage still uses the choice until it is closed. */
export function writeStored(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is off or full: the choice lasts until the page is closed.
  }
}
