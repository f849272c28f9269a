import type { z } from 'zod';
import type { change, document, line } from '../../src/api/routes/documents/schemas.ts';
import type { mirror } from '../../src/api/routes/mirrors.ts';
import type { checkList } from '../../src/api/routes/sync/checks.ts';
import type { failure } from '../../src/api/routes/sync/failures.ts';
import type { incident } from '../../src/api/routes/sync/incidents.ts';
import type { field, model, modelChange } from '../../src/api/routes/sync/model.ts';
import type { overview } from '../../src/api/routes/sync/overview.ts';
import type { accepted } from '../../src/api/routes/sync/runs.ts';
import type { upstreams } from '../../src/api/routes/sync/upstreams.ts';
import type { run, runWithProgress } from '../../src/api/schemas.ts';
import type { DocumentChanges } from '../../src/db/schema/audit.ts';

/** The API's own schemas say what its answers are; `input`: as they travel, moments as texts. */
export type Overview = z.input<typeof overview>;
export type CurrentRun = NonNullable<Overview['currentRun']>;
export type Run = z.input<typeof run>;
export type RunMode = Run['mode'];
export type RunStatus = Run['status'];
export type RunWithProgress = z.input<typeof runWithProgress>;
export type Mirror = z.input<typeof mirror>;
export type Failure = z.input<typeof failure>;
export type Incident = z.input<typeof incident>;
export type Model = z.input<typeof model>;
export type Field = z.input<typeof field>;
export type ModelChange = z.input<typeof modelChange>;
export type Upstreams = z.input<typeof upstreams>;
export type CheckList = z.input<typeof checkList>;
export type Accepted = z.input<typeof accepted>;
export type Document = z.input<typeof document>;
export type Line = z.input<typeof line>;
export type Change = Omit<z.input<typeof change>, 'changes'> & { readonly changes: DocumentChanges };

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** What `fields` of a BC or a line hold: Odoo's JSON. */
export type Values = Readonly<Record<string, unknown>>;
