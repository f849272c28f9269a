import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Figures } from './figures.ts';
import { sum, table } from './figures.ts';
import { play } from './scenario.ts';
import { drawSchedule, scheduleText } from './schedule.ts';
import { seeds } from './seeds.ts';
import { ScenarioSetup } from './servers/scenario-setup.ts';

/** Scenarios that run at the same time, each with servers of its own. */
const AT_ONCE = Math.min(2, availableParallelism());

describe.concurrent('after everything that can go wrong went wrong', () => {
  const setups: ScenarioSetup[] = [];
  const all: Figures[] = [];
  const begin = performance.now();
  beforeAll(async () => {
    const told = (line: string) => process.stdout.write(`${line}\n`);
    setups.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => ScenarioSetup.open(told)))));
  });
  afterAll(async () => {
    const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
    process.stdout.write(`\nThe chaos suite in ${minutes} minutes\n${table(sum(all))}\n`);
    await Promise.all(setups.map((setup) => setup.close()));
  });

  it.for(seeds(process.env))(
    'the mirror equals Odoo, and each change is recorded once: seed %i',
    async (seed) => {
      const schedule = drawSchedule(seed);
      process.stdout.write(`${scheduleText(schedule)}\n`);
      const setup = setups.pop();
      if (setup === undefined) throw new Error('more scenarios at once than setups');
      try {
        const { problems, figures, logs } = await play(setup, schedule);
        all.push(figures);
        const repeat = `Repeat it with CHAOS_SEED=${seed} npm run test:chaos; its logs are in ${logs}`;
        expect(problems, `Seed ${seed} failed. ${repeat}`).toEqual([]);
      } finally {
        setups.push(setup);
      }
    },
  );
});
