import type { BrowserContext, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { DashboardSetup } from './dashboard-setup.ts';
import { LOGIN } from './dashboard-setup.ts';

export interface View {
  readonly language?: 'fr' | 'en';
  readonly theme?: 'light' | 'dark';
  readonly size?: 'desktop' | 'phone';
}

const SIZES = { desktop: { width: 1280, height: 820 }, phone: { width: 390, height: 844 } } as const;

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
    ...(size === 'phone' && { isMobile: true, hasTouch: true, deviceScaleFactor: 2 }),
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
