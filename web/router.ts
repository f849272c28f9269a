import { signal } from '@preact/signals';

const BASE = '/admin';

export interface Place {
  /** The mirror that the address names: `/m/partners/...`; null if it names none. */
  readonly mirror: string | null;
  /** Without the base, the mirror and a slash at the end: `/runs/42`; empty for the first page. */
  readonly path: string;
  readonly query: URLSearchParams;
}

function readPlace(): Place {
  const { pathname, search } = window.location;
  const whole = pathname.slice(BASE.length).replace(/\/+$/, '');
  const [, mirror = null, path = whole] = /^\/m\/([^/]+)(.*)$/.exec(whole) ?? [];
  return { mirror, path, query: new URLSearchParams(search) };
}

export const place = signal<Place>(readPlace());

window.addEventListener('popstate', () => {
  place.value = readPlace();
});

type LinkQuery = Readonly<Record<string, string | readonly string[]>>;

/** The address of a page of a mirror. Null: without a mirror in it. */
export function hrefIn(mirror: string | null, path: string, query: LinkQuery = {}): string {
  const given = Object.entries(query).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => (value === '' ? [] : [[name, value]])),
  );
  const whole = mirror === null ? path : `/m/${mirror}${path}`;
  return `${BASE}${whole}${given.length === 0 ? '' : `?${new URLSearchParams(given)}`}`;
}

/**
 * The address of a page of the mirror that is shown, for links. An empty value leaves its parameter out; a list
 * repeats it.
 */
export const href = (path: string, query: LinkQuery = {}): string => hrefIn(place.value.mirror, path, query);

/** The address of the list of documents, or with `/42` of one of them. */
export const documentsHref = (path = '', query: LinkQuery = {}): string =>
  href(documentsPath() + path, query);

/** With one mirror only, the address is the one from the time before there were several. */
export const documentsPath = (): string => (place.value.mirror === null ? '/bc' : '/documents');

/** Shows another page. `replace`: the present one is not left in the browser's history. */
export function go(to: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', to);
  else history.replaceState(null, '', to);
  place.value = readPlace();
}
