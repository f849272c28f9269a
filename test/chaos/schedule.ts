import type { Fault } from '../../dev/sandbox-odoo/faults.ts';
import type { Random } from '../../dev/sandbox-odoo/random.ts';
import { seededRandom } from '../../dev/sandbox-odoo/random.ts';

/**
 * One fault. Times are in milliseconds; a refused or hidden record stays so until it was noticed, for
 * `forMs` at least. `pick`, from 0 to 1, chooses among the records of that moment.
 */
export type Disturbance =
  | { readonly kind: 'kill'; readonly worker: number; readonly backMs: number }
  | { readonly kind: 'kill all'; readonly backMs: number }
  | { readonly kind: 'flush' }
  | { readonly kind: 'redis'; readonly keeps: 'nothing' | 'snapshot'; readonly downMs: number }
  | { readonly kind: 'postgres'; readonly downMs: number }
  | { readonly kind: 'fault'; readonly fault: Fault; readonly calls: number }
  | { readonly kind: 'outage'; readonly fault: Fault; readonly forMs: number }
  | {
      readonly kind: 'refuse';
      readonly how: 'denied' | 'user_error';
      readonly pick: number;
      readonly forMs: number;
    }
  | { readonly kind: 'hide'; readonly pick: number; readonly bcs: number; readonly forMs: number }
  | { readonly kind: 'skew'; readonly minutes: number }
  | { readonly kind: 'ask'; readonly mode: 'full' | 'sweep' | 'single'; readonly pick: number };

interface Scheduled {
  readonly atMs: number;
  readonly disturbance: Disturbance;
}

/** The choices of a seed. The writes to Odoo are drawn from the seed too; the machine decides which faults meet. */
export interface Schedule {
  readonly seed: number;
  readonly protocol: 'xmlrpc' | 'jsonrpc' | 'json2';
  readonly documents: number;
  /** While the first full run reads everything, and when it has. */
  readonly acts: readonly [Act, Act];
}

export interface Act {
  readonly forMs: number;
  readonly disturbances: readonly Scheduled[];
}

const BAD_ANSWERS = [
  'error500',
  'bad_gateway',
  'unavailable',
  'too_many',
  'drop',
  'drop_midway',
  'hang',
  'malformed',
  'html',
] as const satisfies readonly Fault[];

const OUTAGES = ['unavailable', 'drop', 'hang', 'error500'] as const satisfies readonly Fault[];

const KINDS = [
  ...['kill', 'kill', 'kill', 'kill all', 'flush', 'flush', 'redis', 'redis', 'postgres', 'postgres'],
  ...['fault', 'fault', 'fault', 'outage', 'outage', 'refuse', 'hide', 'skew', 'skew', 'ask'],
] as readonly Disturbance['kind'][] as readonly [Disturbance['kind'], ...Disturbance['kind'][]];

/** The scenario of a seed: the same seed gives the same schedule. */
export function drawSchedule(seed: number): Schedule {
  const random = seededRandom(seed);
  return {
    seed,
    protocol: random.pick(['xmlrpc', 'jsonrpc', 'json2']),
    documents: random.between(150, 280),
    acts: [drawAct(random, 2500, []), drawAct(random, random.between(6000, 8000), USUAL)],
  };
}

/** Faults of nearly every scenario, and the number of extra ones. */
const USUAL = [
  'kill',
  'flush',
  'postgres',
  'hide',
  'refuse',
] as const satisfies readonly Disturbance['kind'][];

function drawAct(random: Random, forMs: number, usual: readonly Disturbance['kind'][]): Act {
  const kinds: Disturbance['kind'][] = usual.filter(() => random.chance(0.7));
  for (let more = random.between(2, 5); more > 0; more -= 1) kinds.push(random.pick(KINDS));
  const disturbances = kinds
    .map((kind) => ({ atMs: random.between(0, forMs - 500), disturbance: draw(random, kind) }))
    .sort((left, right) => left.atMs - right.atMs);
  return { forMs, disturbances };
}

function draw(random: Random, kind: Disturbance['kind']): Disturbance {
  switch (kind) {
    case 'kill':
      return {
        kind,
        worker: random.between(0, 1),
        backMs: random.chance(0.5) ? 0 : random.between(200, 2500),
      };
    case 'kill all':
      return { kind, backMs: random.between(0, 2000) };
    case 'flush':
      return { kind };
    case 'redis':
      return { kind, keeps: random.pick(['nothing', 'snapshot']), downMs: random.between(0, 1500) };
    case 'postgres':
      return { kind, downMs: random.between(0, 1500) };
    case 'fault':
      return { kind, fault: random.pick(BAD_ANSWERS), calls: random.between(1, 8) };
    case 'outage':
      return { kind, fault: random.pick(OUTAGES), forMs: random.between(1000, 4000) };
    case 'refuse':
      return {
        ...{ kind, how: random.pick(['denied', 'user_error']), pick: random.next() },
        forMs: random.between(800, 5000),
      };
    case 'hide':
      return { kind, pick: random.next(), bcs: random.between(1, 6), forMs: random.between(2000, 6000) };
    case 'skew':
      return { kind, minutes: random.pick([-9, -6, -3, 3, 6, 9]) };
    case 'ask':
      return { kind, mode: random.pick(['full', 'sweep', 'single']), pick: random.next() };
  }
}

/** The schedule in one line: `seed 7: xmlrpc, 212 BCs; 0.4 kill 1 (back +0.2), 1.1 flush; then 0.1 clock +3 min`. */
export function scheduleText({ seed, protocol, documents, acts }: Schedule): string {
  const [first, second] = acts.map(({ disturbances }) =>
    disturbances
      .map(({ atMs, disturbance }) => `${seconds(atMs)} ${disturbanceText(disturbance)}`)
      .join(', '),
  );
  return `seed ${seed}: ${protocol}, ${documents} BCs; ${first}; then ${second}`;
}

function disturbanceText(disturbance: Disturbance): string {
  switch (disturbance.kind) {
    case 'kill':
      return `kill ${disturbance.worker} (back +${seconds(disturbance.backMs)})`;
    case 'kill all':
      return `kill all (back +${seconds(disturbance.backMs)})`;
    case 'flush':
      return 'flush';
    case 'redis':
      return `redis restart, keeps ${disturbance.keeps} (+${seconds(disturbance.downMs)})`;
    case 'postgres':
      return `postgres restart (+${seconds(disturbance.downMs)})`;
    case 'fault':
      return `${disturbance.fault}×${disturbance.calls}`;
    case 'outage':
      return `${disturbance.fault} for ${seconds(disturbance.forMs)}`;
    case 'refuse':
      return `refuse a BC, ${disturbance.how}, for ${seconds(disturbance.forMs)}`;
    case 'hide':
      return `hide ${disturbance.bcs} BCs for ${seconds(disturbance.forMs)}`;
    case 'skew':
      return `clock ${disturbance.minutes > 0 ? '+' : ''}${disturbance.minutes} min`;
    case 'ask':
      return `ask ${disturbance.mode}`;
  }
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
