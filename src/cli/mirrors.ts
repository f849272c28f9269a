import type { MirrorSettings } from '../config/index.ts';
import { BC_MIRROR } from '../shared/mirror-names.ts';
import { UnknownMirrorError } from './errors.ts';

/** The option of commands that work on one mirror, or on several. */
export const MIRROR_FLAG = '--mirror <name>';
/** Its description for a command that needs one mirror. */
export const ONE_MIRROR = 'name of the mirror; if unset, bc, or the first one if there is no bc';
/** Its description for a command that can work on all mirrors. */
export const ALL_MIRRORS = 'name of the mirror; if unset, all';

/**
 * The mirror of that name. Without a name: `bc`, or the first one if there is no `bc`.
 *
 * @throws UnknownMirrorError
 */
export function mirrorNamed<Mirror extends { readonly name: string }>(
  mirrors: readonly Mirror[],
  name: string | undefined,
): Mirror {
  const found = mirrors.find((mirror) => mirror.name === (name ?? BC_MIRROR));
  const chosen = found ?? (name === undefined ? mirrors[0] : undefined);
  if (chosen !== undefined) return chosen;
  throw new UnknownMirrorError(
    name ?? BC_MIRROR,
    mirrors.map((mirror) => mirror.name),
  );
}

/**
 * The mirror of that name; without a name, all of them.
 *
 * @throws UnknownMirrorError
 */
export function mirrorsNamed(
  mirrors: readonly MirrorSettings[],
  name: string | undefined,
): readonly MirrorSettings[] {
  return name === undefined ? mirrors : [mirrorNamed(mirrors, name)];
}
