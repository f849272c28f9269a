import { z } from 'zod';
import { problem } from '../../src/api/problem-details.ts';
import type { Operation } from './operations.ts';
import type { Trial } from './requests.ts';
import type { Answered } from './send.ts';

/** The faults of an answer; empty if it is correct. */
export function complaints(trial: Trial, answer: Answered): string[] {
  const { operation, method } = trial;
  return [
    ...wrongStatus(operation, answer),
    ...(answer.status >= 400 && method !== 'HEAD' ? wrongProblem(answer) : []),
    ...(method === operation.method ? undocumented(operation, answer) : []),
  ];
}

/** Tryton's faults are named as such; our own may only be `unavailable`. */
function wrongStatus({ path }: Operation, { status, text }: Answered): string[] {
  if (status < 500 || status === 503) return [];
  const { code } = parsed(text) as { readonly code?: unknown };
  const isTrytons = path.includes('/tryton/') && /^(tryton_|batch_)/.test(String(code));
  return isTrytons && (status === 502 || status === 504) ? [] : [`status ${status}`];
}

function wrongProblem({ status, headers, text }: Answered): string[] {
  const type = mediaType(headers['content-type']);
  if (type !== 'application/problem+json') return [`an error of type ${type}`];
  const found = problem.safeParse(parsed(text));
  if (!found.success) return [`no problem: ${z.prettifyError(found.error)}`];
  const { code, status: stated } = found.data;
  return [
    ...(stated === status ? [] : [`the problem says ${stated}`]),
    ...(/^[a-z]+(_[a-z0-9]+)*$/.test(code) ? [] : [`code ${code}`]),
  ];
}

function undocumented({ answers }: Operation, { status, headers, text }: Answered): string[] {
  // A route that is in no document: only what holds for all is looked at.
  if (answers.size === 0) return [];
  const documented = answers.get(String(status)) ?? answers.get(`${Math.floor(status / 100)}XX`);
  if (documented === undefined) return [`status ${status} is not documented`];
  if (documented.size === 0) return [];
  const type = mediaType(headers['content-type']);
  const schema = documented.get(type);
  if (schema === undefined) return [`type ${type} is not documented for ${status}`];
  const found = schema?.safeParse(parsed(text));
  return found?.success === false ? [`not as documented: ${z.prettifyError(found.error)}`] : [];
}

const mediaType = (header: string | undefined) => (header ?? 'nothing').split(';', 1)[0]?.trim() ?? '';

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** The status of what came back over a connection; 0 where it was cut off without a word, -1 where it is no HTTP. */
export function rawStatus(answer: string): number {
  return answer === '' ? 0 : Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? -1);
}

/** The faults of an answer on a connection that was sent anything but HTTP. */
export function rawComplaints(answer: string): string[] {
  const status = rawStatus(answer);
  if (status < 0) return [`no status: ${JSON.stringify(answer.slice(0, 80))}`];
  if (status >= 500 && status !== 503) return [`status ${status}`];
  // Node itself refuses some requests, with a status alone.
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  const isBare = body === '' || body.startsWith('0\r\n\r\n');
  const isProblem = /^content-type: application\/problem\+json/im.test(answer);
  return status < 400 || isBare || isProblem ? [] : [`an error that is no problem: ${answer.slice(0, 200)}`];
}
