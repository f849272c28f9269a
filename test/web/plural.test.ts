import { expect, test } from 'vitest';
import { pluralForm } from '../../web/i18n/plural.ts';

const plain = (text: string) => text.replaceAll(/\s/g, ' ');

test.each([
  [0, '0 bon'],
  [1, '1 bon'],
  [2, '2 bons'],
  [1500, '1 500 bons'],
  [1_000_000, '1 000 000 de bons'],
])('French counts %i as it does', (count, words) => {
  expect(plain(pluralForm('fr')(count, 'bon', 'bons', 'de bons'))).toBe(words);
});

test.each([
  [0, '0 orders'],
  [1, '1 order'],
  [1500, '1,500 orders'],
])('English counts %i as it does', (count, words) => {
  expect(plain(pluralForm('en')(count, 'order', 'orders'))).toBe(words);
});
