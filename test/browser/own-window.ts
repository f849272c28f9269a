import type { Page } from 'playwright-core';
import { afterEach, beforeEach } from 'vitest';
import type { DashboardSetup } from './dashboard-setup.ts';
import type { Window } from './pages.ts';
import { openWindow } from './pages.ts';

// Vitest loads this file again for each test file, whose imports use the values set here.
/** The window of the test that runs. */
export let window: Window;
export let page: Page;

/** Every test of the file gets a window of its own, and fails where there were complaints in it. */
export function openWindowForEach(dashboard: () => DashboardSetup): void {
  beforeEach(async () => {
    window = await openWindow(dashboard());
    page = window.page;
  });
  afterEach(() => window.close());
}
