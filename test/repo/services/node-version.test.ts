import { expect, it } from 'vitest';
import { nodeProblem } from '../../../dev/node-version.ts';

it.each(['20.19.0', '20.20.2', '21.0.0', '24.1.0'])('accepts Node %s', (version) => {
  expect(nodeProblem(version)).toBeNull();
});

it.each(['18.20.4', '20.18.3', '9.11.2'])('says in one line that Node %s is too old', (version) => {
  expect(nodeProblem(version)).toMatch(new RegExp(`^Passerelle needs Node .*${version}.*$`));
});
