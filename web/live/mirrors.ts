import { computed, signal } from '@preact/signals';
import type { Mirror, Run } from '../api/answers.ts';
import { hrefIn, place } from '../router.ts';

/** The mirror that has purchase orders, and routes of its own in the API. */
export const BC_MIRROR = 'bc';

/** The mirrors that are shown, in the order of the configuration; null until the service has named them. */
export const mirrors = signal<readonly Mirror[] | null>(null);

/** The state of all mirrors, and when it came, by this browser's clock; null while one mirror is shown. */
export const board = signal<{ readonly items: readonly Mirror[]; readonly at: number } | null>(null);

export function acceptMirrors(all: readonly Mirror[]): void {
  const used = all.filter(isUsed);
  const items = used.length === 0 ? all : used;
  mirrors.value = items;
  // The state of the list gets old while one mirror is shown.
  if (mirrorName.value === null) board.value = { items, at: Date.now() };
}

/** The service lists the mirror `bc` also if the configuration leaves it out. */
const isUsed = ({ isConfigured, documents, lastRun }: Mirror): boolean =>
  isConfigured || documents > 0 || lastRun !== null;

export const isSeveral = computed((): boolean => (mirrors.value?.length ?? 0) > 1);

/** The mirror that is shown: the one of the address, or the only one. Null: all of them, or none of that name. */
export const currentMirror = computed((): Mirror | null => {
  const all = mirrors.value ?? [];
  const { mirror: named } = place.value;
  if (named !== null) return all.find(({ name }) => name === named) ?? null;
  return all.length === 1 ? (all[0] ?? null) : null;
});

/** Changes only with the mirror, not with its state. */
export const mirrorName = computed((): string | null => currentMirror.value?.name ?? null);

/** The address of a run, in its own mirror. */
export function runHref({ id, key }: Pick<Run, 'id' | 'key'>): string {
  const own = isSeveral.value ? mirrors.value?.find((one) => one.key === key) : undefined;
  return hrefIn(own?.name ?? place.value.mirror, `/runs/${id}`);
}
