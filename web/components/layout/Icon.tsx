const PATHS = {
  check: 'M4 12.5l5 5L20 6.5',
  sync: 'M20 5v5h-5M4 19v-5h5M5.5 9a7 7 0 0 1 12-2.5L20 10M18.5 15a7 7 0 0 1-12 2.5L4 14',
  clock: 'M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M12 7v5l3.5 2',
  alert: 'M12 3.5L2.5 20h19L12 3.5M12 10v4.5M12 17.3v.2',
  empty: 'M4 8l8-4.5L20 8v8l-8 4.5L4 16V8m0 0l8 4.5L20 8m-8 4.5v8',
  cross: 'M6 6l12 12M18 6L6 18',
  skip: 'M5 5l8 7l-8 7V5m12 0v14',
  queue: 'M4 6h16M4 12h16M4 18h10',
  up: 'M12 19V5m-6 6l6-6l6 6',
  down: 'M12 5v14m-6-6l6 6l6-6',
  download: 'M12 4v11m-5-5l5 5l5-5M4 20h16',
  out: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  left: 'M15 5l-7 7l7 7',
  right: 'M9 5l7 7l-7 7',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  pencil: 'M4 20l1-4L16 5l3 3L8 19l-4 1',
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration only: the words are beside it. */
export function Icon({ name, turning = false }: { readonly name: IconName; readonly turning?: boolean }) {
  return (
    <svg class={turning ? 'icon turning' : 'icon'} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
