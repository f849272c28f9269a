import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

/** A request as it arrived. */
export interface Arrival {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly arrivals: Arrival[];
  /** Its answer; `hang`: no answer. */
  answer: number | 'hang';
  /** The accepted bodies, as JSON. */
  notices(): Record<string, unknown>[];
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** An HTTP server that records its requests. */
export async function startReceiver(): Promise<Receiver> {
  const arrivals: (Arrival & { readonly status: number | 'hang' })[] = [];
  const server = createServer(async (request, response) => {
    const { url = '', headers } = request;
    const body = await text(request);
    const status = receiver.answer;
    arrivals.push({ url, headers, body, status });
    if (status === 'hang') return;
    response.writeHead(status, status >= 300 && status < 400 ? { location: '/elsewhere' } : {}).end('done');
  });
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hook`,
    arrivals,
    answer: 200,
    notices: () =>
      arrivals.filter(({ status }) => status !== 'hang' && status < 300).map(({ body }) => JSON.parse(body)),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      if (server.listening) await once(server, 'close');
    },
    start: () => listen(port),
  };
  return receiver;
}

/** The check of a receiver, written separately from the code that signs. */
export function isSigned({ headers, body }: Arrival, key: string | Buffer): boolean {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const expected = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  return headers['webhook-signature'] === expected;
}

interface Mail {
  readonly to: readonly string[];
  readonly from: string;
  /** Headers and text. */
  readonly text: string;
  readonly secure: boolean;
}

export interface Mailbox {
  readonly port: number;
  readonly mails: Mail[];
  /** Logins that were tried: user and password. */
  readonly logins: string[];
  /** Refuses mails from now on, with this text. */
  refusal: string | null;
  stop(): Promise<void>;
}

/** A mail server. With a `password` it refuses others, and repeats the given one in its refusal. */
export async function startMailbox({ password }: { password?: string } = {}): Promise<Mailbox> {
  const mails: Mail[] = [];
  const logins: string[] = [];
  const server = new SMTPServer({
    logger: false,
    authOptional: password === undefined,
    allowInsecureAuth: true,
    onAuth(auth, _, done) {
      logins.push(`${auth.username}:${auth.password}`);
      if (auth.password === password) done(null, { user: auth.username });
      else done(new Error(`no such user with ${auth.password}`));
    },
    onData(stream, session, done) {
      text(stream).then((content) => {
        if (mailbox.refusal !== null) return done(new Error(mailbox.refusal));
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          to: rcptTo.map(({ address }) => address),
          from: mailFrom === false ? '' : mailFrom.address,
          text: content,
          secure: session.secure,
        });
        done();
      }, done);
    },
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  const mailbox: Mailbox = {
    port,
    mails,
    logins,
    refusal: null,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
  return mailbox;
}
