import type { Fault } from '../../dev/sandbox-odoo/faults.ts';
import type { Random } from '../../dev/sandbox-odoo/random.ts';
import { seededRandom } from '../../dev/sandbox-odoo/random.ts';
import type { CutEnd } from '../support/cuttable-proxy.ts';
import type { Peer } from './servers/links.ts';
import type { EvictionPolicy } from './servers/scenario-setup.ts';

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
  /** `forMs` null: it is never thawed, and killed at the end of the act. */
  | { readonly kind: 'freeze'; readonly worker: number; readonly forMs: number | null }
  | {
      readonly kind: 'partition';
      readonly workers: readonly number[];
      readonly peers: readonly Peer[];
      readonly forMs: number;
      readonly end: CutEnd;
    }
  | { readonly kind: 'lost commits'; readonly ageMs: number; readonly downMs: number }
  | { readonly kind: 'hide lines'; readonly pick: number; readonly bcs: number; readonly forMs: number }
  | { readonly kind: 'settings'; readonly settings: Settings; readonly forMs: number }
  | { readonly kind: 'source'; readonly what: 'database' | 'model'; readonly forMs: number }
  | { readonly kind: 'header clock'; readonly minutes: number; readonly forMs: number }
  | { readonly kind: 'second installation'; readonly flush: boolean; readonly forMs: number }
  | { readonly kind: 'full disk'; readonly wal: boolean; readonly forMs: number }
  | {
      readonly kind: 'evict';
      readonly policy: EvictionPolicy;
      readonly share: number;
      readonly forMs: number;
    }
  | { readonly kind: 'ask'; readonly mode: 'full' | 'sweep' | 'single'; readonly pick: number };

/** Variables that an administrator may change between two starts. */
type Settings = Readonly<
  Partial<
    Record<'SYNC_PAGE_SIZE' | 'SYNC_GROUP_SIZE' | 'ODOO_PROTOCOL' | 'SYNC_BINARIES' | 'ODOO_CONTEXT', string>
  >
>;

export type Kind = Disturbance['kind'];

interface Scheduled {
  readonly atMs: number;
  readonly disturbance: Disturbance;
}

/** The choices of a seed. The writes to Odoo are drawn from the seed too; the machine decides which faults meet. */
export interface Schedule {
  readonly seed: number;
  readonly protocol: 'xmlrpc' | 'jsonrpc' | 'json2';
  readonly documents: number;
  /** The workers start so long before the migration of the database; null: after it. */
  readonly schemaAfterMs: number | null;
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

/** Further faults are drawn from these. */
const EXTRA = [
  ...(['kill', 'kill', 'kill all', 'flush', 'redis', 'postgres', 'fault', 'fault', 'outage'] as const),
  ...(['refuse', 'hide', 'skew', 'ask', 'freeze', 'partition', 'evict'] as const),
] as const satisfies readonly Kind[];

/** Faults of about every second scenario. */
const USUAL = ['kill', 'flush', 'postgres', 'hide', 'refuse'] as const satisfies readonly Kind[];

/** Dealt out in turn: three seeds that follow one another have all of them. */
const DEALT = [
  ...(['freeze', 'lost commits', 'settings', 'header clock'] as const),
  ...(['partition', 'hide lines', 'full disk', 'late schema'] as const),
  ...(['second installation', 'evict', 'source', 'freeze'] as const),
] as const satisfies readonly (Kind | 'late schema')[];

const DEALT_TO_A_SEED = 4;

/** The scenario of a seed: the same seed gives the same schedule. */
export function drawSchedule(seed: number): Schedule {
  const random = seededRandom(seed);
  const begin = (seed * DEALT_TO_A_SEED) % DEALT.length;
  const dealt = DEALT.slice(begin, begin + DEALT_TO_A_SEED);
  const kinds = dealt.filter((kind) => kind !== 'late schema');
  return {
    seed,
    protocol: random.pick(['xmlrpc', 'jsonrpc', 'json2']),
    documents: random.between(150, 280),
    schemaAfterMs: dealt.includes('late schema') ? random.between(1500, 4000) : null,
    acts: [
      drawAct(random, 2500, [], random.between(1, 3)),
      drawAct(random, random.between(6000, 8000), kinds, random.between(0, 2)),
    ],
  };
}

function drawAct(random: Random, forMs: number, dealt: readonly Kind[], extra: number): Act {
  const usual = dealt.length === 0 ? [] : USUAL.filter(() => random.chance(0.5));
  const kinds: Kind[] = [...dealt, ...usual];
  for (let more = extra; more > 0; more -= 1) kinds.push(random.pick(EXTRA));
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
    case 'freeze':
      return {
        ...{ kind, worker: random.between(0, 1) },
        forMs: random.chance(0.3) ? null : random.between(1000, 9000),
      };
    case 'partition':
      return {
        ...{ kind, workers: random.pick([[0], [1], [0, 1]]) },
        peers: random.pick<readonly Peer[]>([
          ...([['postgres'], ['redis'], ['postgres', 'redis']] as const),
          ...([['odoo'], ['postgres', 'redis', 'odoo']] as const),
        ]),
        forMs: random.between(1000, 6000),
        end: random.pick(['resume', 'reset', 'half open']),
      };
    case 'lost commits':
      return { kind, ageMs: random.between(500, 3000), downMs: random.between(0, 1000) };
    case 'hide lines':
      return { kind, pick: random.next(), bcs: random.between(1, 30), forMs: random.between(2000, 5000) };
    case 'settings':
      return { kind, settings: drawSettings(random), forMs: random.between(1500, 4000) };
    case 'source':
      return { kind, what: random.pick(['database', 'model']), forMs: random.between(1500, 4000) };
    case 'header clock':
      return {
        ...{ kind, minutes: random.pick([-15, -11, -4, 4, 11, 15]) },
        forMs: random.between(3000, 7000),
      };
    case 'second installation':
      return { kind, flush: random.chance(0.5), forMs: random.between(2000, 6000) };
    case 'full disk':
      return { kind, wal: random.chance(0.5), forMs: random.between(1000, 4000) };
    case 'evict':
      return {
        ...{ kind, policy: random.pick<EvictionPolicy>(['allkeys-lru', 'allkeys-random', 'volatile-lru']) },
        ...{ share: random.between(1, 7) / 10, forMs: random.between(500, 3000) },
      };
  }
}

function drawSettings(random: Random): Settings {
  return {
    SYNC_PAGE_SIZE: String(random.pick([1, 7, 50, 500])),
    SYNC_GROUP_SIZE: String(random.pick([1, 3, 100])),
    ODOO_PROTOCOL: random.pick(['xmlrpc', 'jsonrpc', 'json2']),
    SYNC_BINARIES: random.pick(['on', 'off']),
    // Another context, and no other content.
    ODOO_CONTEXT: random.pick(['{}', '{"tz":"Europe/Paris"}']),
  };
}

/** The schedule in one line: `seed 7: xmlrpc, 212 BCs; 0.4 kill 1 (back +0.2), 1.1 flush; then 0.1 clock +3 min`. */
export function scheduleText({ seed, protocol, documents, schemaAfterMs, acts }: Schedule): string {
  const [first, second] = acts.map(({ disturbances }) =>
    disturbances
      .map(({ atMs, disturbance }) => `${seconds(atMs)} ${disturbanceText(disturbance)}`)
      .join(', '),
  );
  const schema = schemaAfterMs === null ? '' : `, schema after ${seconds(schemaAfterMs)}`;
  return `seed ${seed}: ${protocol}, ${documents} BCs${schema}; ${first}; then ${second}`;
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
      return `clock ${signed(disturbance.minutes)} min`;
    case 'ask':
      return `ask ${disturbance.mode}`;
    case 'freeze':
      return `freeze ${disturbance.worker} ${disturbance.forMs === null ? 'for good' : `for ${seconds(disturbance.forMs)}`}`;
    case 'partition': {
      const { workers, peers, forMs, end } = disturbance;
      return `cut ${workers.join('+')} from ${peers.join('+')} for ${seconds(forMs)} (${end})`;
    }
    case 'lost commits':
      return `postgres loses ${seconds(disturbance.ageMs)} (+${seconds(disturbance.downMs)})`;
    case 'hide lines':
      return `hide lines of ${disturbance.bcs} BCs for ${seconds(disturbance.forMs)}`;
    case 'settings': {
      const settings = Object.values(disturbance.settings).join('/');
      return `settings ${settings} for ${seconds(disturbance.forMs)}`;
    }
    case 'source':
      return `another ${disturbance.what} for ${seconds(disturbance.forMs)}`;
    case 'header clock':
      return `header clock ${signed(disturbance.minutes)} min for ${seconds(disturbance.forMs)}`;
    case 'second installation':
      return `second installation for ${seconds(disturbance.forMs)}${disturbance.flush ? ', flush' : ''}`;
    case 'full disk':
      return `disk full for ${seconds(disturbance.forMs)}${disturbance.wal ? ', also for WAL' : ''}`;
    case 'evict':
      return `evict ${disturbance.share * 100} % ${disturbance.policy} for ${seconds(disturbance.forMs)}`;
  }
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

const signed = (minutes: number): string => `${minutes > 0 ? '+' : ''}${minutes}`;
