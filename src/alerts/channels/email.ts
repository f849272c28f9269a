import { createTransport } from 'nodemailer';
import { errorCode, errorMessage } from '../../shared/errors.ts';
import { createRedactor } from '../../shared/redact.ts';
import { startTimeout } from '../../shared/timeout.ts';
import { decoded, type Notice, short, textOf, titleOf } from '../notice.ts';
import { AlertRefusedError, AlertTimeoutError, AlertUnreachableError, type Channel } from './channel.ts';

/** Limit of the whole exchange. Mail servers may delay their greeting and check the sender. */
const TIMEOUT_MS = 30_000;
/** Limit of each step. */
const STEP_MS = 15_000;
/** The variable to check after an error. */
const VARIABLE = 'SMTP_URL';
const ALL_VARIABLES = 'SMTP_URL, ALERT_EMAIL_TO and ALERT_EMAIL_FROM';

interface EmailConfig {
  readonly smtpUrl: string;
  readonly to: readonly string[];
  readonly from: string;
}

/**
 * Sends notices as plain text through one mail server. `smtps:` uses TLS from the start. `smtp:` upgrades the
 * connection if the server offers it; `?requireTLS=true` makes this mandatory.
 */
export function openEmail({ smtpUrl, to, from }: EmailConfig): Channel {
  const { host } = new URL(smtpUrl);
  const hide = createRedactor(secretsOf(smtpUrl));
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: STEP_MS,
    greetingTimeout: STEP_MS,
    socketTimeout: STEP_MS,
    dnsTimeout: STEP_MS,
    logger: false,
    debug: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    name: 'email',
    target: host,
    async send(notice, signal) {
      const limit = startTimeout(TIMEOUT_MS, signal);
      const message = { from, to: [...to], ...messageOf(notice, from) };
      await transport
        .sendMail({ ...message, signal: limit.signal })
        .catch((error: unknown) =>
          Promise.reject(
            limit.isOver ? new AlertTimeoutError(host, TIMEOUT_MS, VARIABLE) : named(error, host, hide),
          ),
        )
        .finally(limit.end);
    },
  };
}

/** The all-clear is a reply to the first mail, so that mailboxes show them together. */
function messageOf(notice: Notice, from: string) {
  const domain = from.slice(from.lastIndexOf('@') + 1);
  const opened = `<${notice.id.replace('_resolved_', '_opened_')}@${domain}>`;
  return {
    messageId: `<${notice.id}@${domain}>`,
    ...(notice.type === 'incident.resolved' && { inReplyTo: opened, references: opened }),
    subject: `[Passerelle] ${titleOf(notice)}`,
    text: textOf(notice),
    // Absence notices and similar mails should not be sent as answers.
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

/** Mail servers may quote the password, plain or encoded. */
function secretsOf(smtpUrl: string): string[] {
  const url = new URL(smtpUrl);
  const user = decoded(url.username);
  const password = decoded(url.password);
  if (password === '') return [];
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return [url.password, password, base64(password), base64(`\0${user}\0${password}`)];
}

/** nodemailer reports the cause by a code. Its error is not kept as `cause`, because it quotes the server in full. */
function named(error: unknown, host: string, hide: (text: string) => string): Error {
  const code = errorCode(error);
  const reason = short(hide(errorMessage(error))).replace(/\.$/, '') || code;
  if (code === 'ETIMEDOUT') return new AlertTimeoutError(host, STEP_MS, VARIABLE);
  return ANSWERED.has(code)
    ? new AlertRefusedError(host, reason, ALL_VARIABLES)
    : new AlertUnreachableError(host, reason, VARIABLE);
}

const ANSWERED: ReadonlySet<string> = new Set(['EAUTH', 'ENOAUTH', 'EENVELOPE', 'EMESSAGE', 'EPROTOCOL']);
