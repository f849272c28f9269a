import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { DashboardSetup } from './dashboard-setup.ts';
import { LOGIN } from './dashboard-setup.ts';

export interface View {
  readonly language?: 'fr' | 'en';
  readonly theme?: 'light' | 'dark';
  readonly size?: keyof typeof SIZES;
}

const SIZES = {
  desktop: { width: 1280, height: 820 },
  wide: { width: 1920, height: 1080 },
  phone: { width: 390, height: 844 },
  narrow: { width: 360, height: 740 },
} as const;
const HANDHELD: ReadonlySet<string> = new Set(['phone', 'narrow']);

/** A browser window with a signed-in user, and its errors. */
export interface Window {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Opens a page of the dashboard (`/bc/42`) and waits until its content is shown. */
  open(path: string): Promise<void>;
  /** Errors of scripts, on the console and of the page's security policy, so far; emptied by being read. */
  complaints(): string[];
  /** Fails where there were complaints. */
  close(): Promise<void>;
}

export async function openWindow(dashboard: DashboardSetup, view: View = {}): Promise<Window> {
  const { language = 'en', theme = 'light', size = 'desktop' } = view;
  const context = await dashboard.browser.newContext({
    baseURL: dashboard.url,
    httpCredentials: LOGIN,
    locale: language === 'fr' ? 'fr-FR' : 'en-GB',
    timezoneId: 'Europe/Paris',
    colorScheme: theme,
    viewport: SIZES[size],
    ...(HANDHELD.has(size) && { isMobile: true, hasTouch: true, deviceScaleFactor: 2 }),
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const said: string[] = [];
  page.on('pageerror', (error) => said.push(`script: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') said.push(`console: ${message.text()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      // biome-ignore lint/suspicious/noConsole: this runs in the page, whose console is listened to
      console.error(`refused by the security policy: ${violatedDirective} ${blockedURI}`),
    );
  });
  const complaints = () => said.splice(0);
  return {
    page,
    context,
    complaints,
    open: async (path) => {
      await page.goto(`/admin${path}`);
      await settled(page);
    },
    close: async () => {
      const found = complaints();
      await context.close();
      expect(found).toEqual([]);
    },
  };
}

/** Waits until the state is known and nothing is being loaded. */
export async function settled(page: Page): Promise<void> {
  await page.locator('.connection.live, .connection.polling').waitFor();
  await page.locator('main h1').waitFor();
  await page.waitForFunction(
    () => document.querySelector('.loading, .state.unknown, [aria-busy=true]') === null,
  );
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The findings of axe-core, with the elements concerned. */
export async function violations(page: Page): Promise<string[]> {
  // Given to the browser itself: the page's security policy does not concern it.
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return found.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`);
}

/** How many pixels the page is wider than the screen. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
