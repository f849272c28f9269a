import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that are really held: what a collection of garbage leaves. */
export function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
