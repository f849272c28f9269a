import { cpus, totalmem } from 'node:os';
import type { Figure } from './figure.ts';
import { isMet, median, ratioOf } from './figure.ts';
import { exactRatioText, targetText } from './format.ts';

/** The figures of one suite and their conditions. */
export interface Section {
  /** `sync`, `api`: with `on` the key under which a later measurement replaces this one. */
  readonly name: string;
  /** The upstream of the measurement: `sandbox`, `Odoo 19.0`. */
  readonly on: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly machine: string;
  /** Versions by name. */
  readonly servers: Readonly<Record<string, string>>;
  readonly rounds: number;
  /** How much was measured: `10,000 BC`. Empty where the suite has no size. */
  readonly size: string;
  readonly figures: readonly Figure[];
}

/** The machine in one line. */
export function machine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model ?? 'CPU'}, ${memory} GB, Node ${process.versions.node}`;
}

/** One plain sentence for each figure that misses its target, or was not measured. */
export function missedTargets(sections: readonly Section[]): string[] {
  return sections.flatMap(({ on, figures }) =>
    figures.filter((figure) => isMet(figure) === false).map((figure) => `${on}: ${missed(figure)}`),
  );
}

function missed(figure: Figure): string {
  const { title, ours, beside } = figure;
  const ratio = ratioOf(figure);
  if (ratio === null || Number.isNaN(ratio)) return `${title}: it was not measured.`;
  return `${title}: ${ours.name} is at ${exactRatioText(ratio)} of ${beside?.name}, the target is ${targetText(figure)}.`;
}

/** The sections as `results.json` holds them: every value, and what follows from them. */
export function withResults(sections: readonly Section[]) {
  return sections.map((section) => ({
    ...section,
    figures: section.figures.map((figure) => ({
      ...figure,
      medians: {
        ours: median(figure.ours.values),
        beside: figure.beside && median(figure.beside.values),
      },
      ratio: ratioOf(figure),
      met: isMet(figure),
    })),
  }));
}

/** New sections in the place of the old ones of the same key, others as they were. */
export function merged(old: readonly Section[], fresh: readonly Section[]): Section[] {
  const keyOf = ({ name, on }: Section) => `${on} ${name}`;
  const byKey = new Map([...old, ...fresh].map((section) => [keyOf(section), section]));
  return [...byKey.values()];
}
