import { fakeHeader, fakeLine, NOTES } from './data.ts';
import { type Random, seededRandom } from './random.ts';
import type { SandboxOdoo } from './sandbox.ts';

/** Simulated users who change the data of a sandbox. */
interface Office {
  /** Changes made so far. */
  readonly changes: number;
  stop(): void;
}

interface ActivityOptions {
  /** The pause between two changes, in milliseconds. */
  readonly everyMs: number;
  readonly seed?: number;
}

type Habit = (sandbox: SandboxOdoo, random: Random) => void;

/** The actions of users; frequent actions occur several times. */
const HABITS: readonly [Habit, ...Habit[]] = [
  createDocument,
  createDocument,
  editHeader,
  editHeader,
  editHeader,
  editLine,
  editLine,
  editLine,
  addLine,
  addLine,
  deleteLine,
  archive,
  deleteDocument,
];

/**
 * Keeps changing the data as an office would: BCs are created, edited, archived and sometimes deleted; lines are
 * edited, added and deleted directly. It does not keep the process alive.
 */
export function simulateActivity(sandbox: SandboxOdoo, { everyMs, seed = 1 }: ActivityOptions): Office {
  const random = seededRandom(seed);
  let changes = 0;
  const timer = setInterval(() => {
    random.pick(HABITS)(sandbox, random);
    changes += 1;
  }, everyMs);
  timer.unref();
  return {
    get changes() {
      return changes;
    },
    stop: () => clearInterval(timer),
  };
}

function createDocument(sandbox: SandboxOdoo, random: Random): void {
  const targets = {
    partners: sandbox.count('res.partner'),
    users: sandbox.count('res.users'),
    tags: sandbox.count('dimagaz.tag'),
  };
  const number = (sandbox.ids('dimagaz.bc').at(-1) ?? 0) + 1;
  const lines = Array.from(
    { length: random.between(1, 6) },
    (_, at) => [0, 0, line(sandbox, random, at + 1)] as const,
  );
  const header = fakeHeader(random, targets, number, new Date());
  sandbox.create('dimagaz.bc', { ...header, active: true, state: 'draft', line_ids: lines });
}

function editHeader(sandbox: SandboxOdoo, random: Random): void {
  const id = any(sandbox, random, 'dimagaz.bc');
  if (id === undefined) return;
  const state = random.pick(['sent', 'confirmed', 'done', 'cancel']);
  sandbox.write('dimagaz.bc', [id], random.chance(0.5) ? { state } : { notes: random.pick(NOTES) });
}

function editLine(sandbox: SandboxOdoo, random: Random): void {
  const id = any(sandbox, random, 'dimagaz.bc.line');
  if (id === undefined) return;
  const values = random.chance(0.5) ? { note: random.pick(NOTES) } : { quantity: random.between(1, 50) };
  sandbox.write('dimagaz.bc.line', [id], values);
}

function addLine(sandbox: SandboxOdoo, random: Random): void {
  const id = any(sandbox, random, 'dimagaz.bc');
  if (id !== undefined) sandbox.create('dimagaz.bc.line', { ...line(sandbox, random, 99), bc_id: id });
}

function deleteLine(sandbox: SandboxOdoo, random: Random): void {
  const id = any(sandbox, random, 'dimagaz.bc.line');
  if (id !== undefined) sandbox.unlink('dimagaz.bc.line', [id]);
}

function archive(sandbox: SandboxOdoo, random: Random): void {
  const id = any(sandbox, random, 'dimagaz.bc');
  if (id !== undefined) sandbox.write('dimagaz.bc', [id], { active: false });
}

function deleteDocument(sandbox: SandboxOdoo, random: Random): void {
  const id = any(sandbox, random, 'dimagaz.bc');
  if (id !== undefined && random.chance(0.3)) sandbox.unlink('dimagaz.bc', [id]);
}

function line(sandbox: SandboxOdoo, random: Random, position: number) {
  const product = sandbox.record('dimagaz.product', random.between(1, sandbox.count('dimagaz.product')));
  return fakeLine(random, product, position, new Date());
}

function any(sandbox: SandboxOdoo, random: Random, model: string): number | undefined {
  const ids = sandbox.ids(model);
  return ids[random.between(0, ids.length - 1)];
}
