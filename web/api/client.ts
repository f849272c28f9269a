import type { Problem } from '../../src/api/problem-details.ts';
import type { Endpoint } from './endpoints.ts';

const ROOT = '/admin/api/v1/';

/** An answer that is no success, or none at all (`code` is then `no_connection`). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: string;
  readonly status: number;
  constructor(code: string, status: number, detail: string, cause?: unknown) {
    super(detail, { cause });
    this.code = code;
    this.status = status;
  }
}

export const addressOf = ({ path }: Endpoint<unknown>): string => ROOT + path;

/** @throws ProblemError */
export function get<Answer>(endpoint: Endpoint<Answer>, signal?: AbortSignal): Promise<Answer> {
  return request(endpoint, { headers: { accept: 'application/json' }, ...(signal && { signal }) });
}

/** @throws ProblemError */
export function post<Answer>(endpoint: Endpoint<Answer>, body?: object): Promise<Answer> {
  // The header proves that the request is from our pages: a form of another site cannot set one.
  const headers = { 'x-passerelle-admin': '1', 'content-type': 'application/json' };
  return request(endpoint, { method: 'POST', headers, body: JSON.stringify(body ?? {}) });
}

async function request<Answer>(endpoint: Endpoint<Answer>, init: RequestInit): Promise<Answer> {
  const response = await fetch(addressOf(endpoint), { ...init, credentials: 'same-origin' }).catch(
    (cause: unknown) => {
      if (init.signal?.aborted) throw cause;
      throw new ProblemError('no_connection', 0, 'The service does not answer.', cause);
    },
  );
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as Answer;
  const { code = 'unreadable', detail, title = response.statusText } = (body ?? {}) as Partial<Problem>;
  throw new ProblemError(code, response.status, detail ?? title);
}
