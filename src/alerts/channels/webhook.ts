import { createHmac } from 'node:crypto';
import { request } from 'undici';
import { errorCode, errorMessage } from '../../shared/errors.ts';
import { createRedactor } from '../../shared/redact.ts';
import { startTimeout } from '../../shared/timeout.ts';
import { bodyOf, decoded, short } from '../notice.ts';
import { AlertRefusedError, AlertTimeoutError, AlertUnreachableError, type Channel } from './channel.ts';

const TIMEOUT_MS = 10_000;
/** The variable to check after an error. */
const VARIABLE = 'ALERT_WEBHOOK_URL';

/** A short answer is read and ignored, so that its server sees a complete exchange. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Posts notices as JSON, signed by the Standard Webhooks specification (https://www.standardwebhooks.com):
 * `webhook-id`, `webhook-timestamp`, `webhook-signature`. Any 2xx status counts as delivered; redirects are not
 * followed. User and password of the URL are sent as `Authorization`. Messages show only the host of the URL, because
 * its path may be a secret.
 */
export function openWebhook(
  { url, secret }: { readonly url: string; readonly secret: string },
  timeoutMs = TIMEOUT_MS,
): Channel {
  const { origin, host, pathname, search, username, password } = new URL(url);
  const key = signingKey(secret);
  const hide = createRedactor([secret, password, decoded(password)]);
  const headers = {
    'content-type': 'application/json',
    'user-agent': 'passerelle',
    ...(username + password === '' ? {} : { authorization: basic(username, password) }),
  };
  return {
    name: 'webhook',
    target: host,
    async send(notice, signal) {
      const body = bodyOf(notice);
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = createHmac('sha256', key)
        .update(`${notice.id}.${timestamp}.${body}`)
        .digest('base64');
      const signed = {
        'webhook-id': notice.id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      };
      const limit = startTimeout(timeoutMs, signal);
      const status = await post(origin + pathname + search, { ...headers, ...signed }, body, limit.signal)
        .catch((error: unknown) =>
          Promise.reject(
            limit.isOver ? new AlertTimeoutError(host, timeoutMs, VARIABLE) : unreachable(error, host, hide),
          ),
        )
        .finally(limit.end);
      if (status < 200 || status > 299) {
        throw new AlertRefusedError(host, `it answered HTTP ${status}`, VARIABLE);
      }
    },
  };
}

/** Returns the status. The connection is closed, because the next notice may be days away. */
async function post(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<number> {
  const answer = await request(url, { method: 'POST', headers, body, signal, reset: true });
  await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal }).catch(() => {});
  return answer.statusCode;
}

/** Standard Webhooks writes secrets as base64 after `whsec_`; any other text is the key itself. */
function signingKey(secret: string): Buffer {
  const [, encoded] = /^whsec_(.*)$/.exec(secret) ?? [];
  return encoded === undefined ? Buffer.from(secret) : Buffer.from(encoded, 'base64');
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
}

function unreachable(error: unknown, host: string, hide: (text: string) => string): Error {
  const reason = short(hide(errorMessage(error))).replace(/[.:]$/, '') || errorCode(error);
  return new AlertUnreachableError(host, reason, VARIABLE);
}
