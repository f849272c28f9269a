const USUAL_COUNT = 20;

/**
 * The scenarios: CHAOS_SEED or CHAOS_SEEDS names them (`1234`, or `1,2,7`); else the first CHAOS_COUNT, 20
 * when that is not set.
 */
export function seeds(env: NodeJS.ProcessEnv): number[] {
  const named = env['CHAOS_SEEDS'] ?? env['CHAOS_SEED'];
  if (named !== undefined && named !== '') return named.split(',').map(wholeNumber);
  const count = wholeNumber(env['CHAOS_COUNT'] ?? String(USUAL_COUNT));
  return Array.from({ length: count }, (_, at) => at + 1);
}

function wholeNumber(text: string): number {
  if (/^\s*\d+\s*$/.test(text)) return Number(text);
  throw new Error(`CHAOS_SEED, CHAOS_SEEDS and CHAOS_COUNT take whole numbers, not "${text}".`);
}
