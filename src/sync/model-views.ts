import type { View } from '../db/view-sql.ts';
import { HEADER_VIEW, LINE_VIEW } from '../db/view-sql.ts';
import { refreshView } from '../db/views.ts';
import { errorCode, errorMessage } from '../errors.ts';
import type { Mirror } from './mirror.ts';

/** By SQLSTATE: what people can do so that a view can be made. */
const ADVICE: Readonly<Record<string, string>> = {
  '55P03': 'Somebody is reading the view; the next run tries again.',
  '2BP01': 'Drop what depends on the view (the reason names it), and make it again after the next run.',
  '42501': "The role of DATABASE_URL needs CREATE on the tables' schema and must own the view.",
};

/**
 * Makes the typed views follow the fields that are known. A view that cannot be made stays as it is, and the next
 * plan tries again: no run fails for it.
 */
export async function followModel({ db, definition, log }: Mirror): Promise<void> {
  const follow = async (view: View, model: string) => {
    try {
      if (await refreshView(db, view, model))
        log.info({ view: view.name, model }, 'the view follows the model');
    } catch (error) {
      const code = errorCode(error);
      const advice = ADVICE[code];
      log.warn(
        { view: view.name, code, reason: reasonOf(error), ...(advice !== undefined && { advice }) },
        'the view could not follow the model and stays as it is',
      );
    }
  };
  await follow(HEADER_VIEW, definition.model);
  await follow(LINE_VIEW, definition.lineModel);
}

/** PostgreSQL names what is in the way in the detail. Drizzle wraps its error. */
function reasonOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('detail' in at && typeof at.detail === 'string') return `${errorMessage(error)}: ${at.detail}`;
  }
  return errorMessage(error);
}
