import type { TestProject } from 'vitest/node';
import { findChromium } from './chromium-finder.ts';

declare module 'vitest' {
  interface ProvidedContext {
    chromium: string;
  }
}

/** Before all browser tests: there is a browser. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('chromium', await findChromium());
}
