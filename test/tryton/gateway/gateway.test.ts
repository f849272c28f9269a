import { sandboxStage } from './gateway-setup.ts';
import { loginsFlow } from './logins.ts';
import { outagesFlow } from './outages.ts';
import { sessionsFlow } from './sessions.ts';

sessionsFlow('a session shared by two processes', () => sandboxStage({ latencyMs: 5 }));
loginsFlow('a wrong password', () => sandboxStage({}));
outagesFlow('a Tryton that is stopped and started under load', () => sandboxStage({ latencyMs: 5 }));
outagesFlow('the same behind connections that stay open', () =>
  sandboxStage({ latencyMs: 5, keepAlive: true, gzip: true }),
);
