import type { Figure, Section, Target } from '../../../bench/reporting/figures.ts';

/** Ours takes 12 s (median), the other 10 s: 1.2 times as long. */
export function figure(target: Target | null, parts: Partial<Figure> = {}): Figure {
  return {
    id: 'sync.first.bare',
    title: 'First full sync',
    unit: 's',
    ours: { name: 'Passerelle', values: [11, 12, 14] },
    beside: { name: 'bare fetch', values: [9, 10, 10.5] },
    target,
    ...parts,
  };
}

export function section(figures: readonly Figure[], parts: Partial<Section> = {}): Section {
  return {
    ...{ name: 'sync', on: 'sandbox', date: '2026-01-31T08:00:00.000Z', machine: '2 × CPU' },
    ...{ servers: { PostgreSQL: '18.4' }, rounds: 3, size: '10,000 BC', figures },
    ...parts,
  };
}
