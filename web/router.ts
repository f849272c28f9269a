import { signal } from '@preact/signals';

const BASE = '/admin';

export interface Place {
  /** Without the base and a slash at the end: `/bc/42`; empty for the first page. */
  readonly path: string;
  readonly query: URLSearchParams;
}

function readPlace(): Place {
  const { pathname, search } = window.location;
  return { path: pathname.slice(BASE.length).replace(/\/+$/, ''), query: new URLSearchParams(search) };
}

export const place = signal<Place>(readPlace());

window.addEventListener('popstate', () => {
  place.value = readPlace();
});

/** The address of a page, for links. An empty value leaves its parameter out; a list repeats it. */
export function href(path: string, query: Readonly<Record<string, string | readonly string[]>> = {}): string {
  const given = Object.entries(query).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => (value === '' ? [] : [[name, value]])),
  );
  return `${BASE}${path}${given.length === 0 ? '' : `?${new URLSearchParams(given)}`}`;
}

/** Shows another page. `replace`: the present one is not left in the browser's history. */
export function go(to: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', to);
  else history.replaceState(null, '', to);
  place.value = readPlace();
}
