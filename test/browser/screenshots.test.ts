import { mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { View } from './pages.ts';
import { openWindow } from './pages.ts';
import type { BrowserStage } from './stage.ts';
import { openBrowserStage } from './stage.ts';
import type { Told } from './story.ts';
import { tellStory } from './story.ts';

const folder = process.env['SCREENSHOTS'] ?? '';
const LARGEST_BYTES = 200_000;

let stage: BrowserStage;
let told: Told;
beforeAll(async () => {
  if (folder === '') return;
  mkdirSync(folder, { recursive: true });
  stage = await openBrowserStage({ documents: 1500 }, { SYNC_EVERY: '10m' });
  told = await tellStory(stage);
});
afterAll(() => stage?.close());

async function take(name: string, path: string, view: View, ready?: string): Promise<void> {
  const window = await openWindow(stage, view);
  await window.open(path);
  if (ready !== undefined) await window.page.locator(ready).first().waitFor();
  const file = join(resolve(folder), `${name}.png`);
  await window.page.screenshot({ path: file, animations: 'disabled', scale: 'css' });
  expect(statSync(file).size).toBeLessThan(LARGEST_BYTES);
  await window.close();
}

test.runIf(folder !== '')('the pictures of the documents are taken', async () => {
  await take('overview-dark', '', { language: 'en', theme: 'dark' });
  await take('bc-list', '/bc?sort=-amount_total', { language: 'fr' });
  await take('bc', `/bc/${told.edited}`, { language: 'fr' }, '.history .diff');
  await take('overview-phone', '', { language: 'fr', size: 'phone' });
  stage.office.odoo.faults.latencyMs = 600;
  const run = await stage.office.request('full');
  await take('overview', '', { language: 'fr' }, 'text=/par seconde/');
  stage.office.odoo.faults.latencyMs = 0;
  await stage.office.ended(run);
});
