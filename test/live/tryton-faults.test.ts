import { describe, it } from 'vitest';
import { loginsFlow } from '../tryton/gateway/logins.ts';
import { outagesFlow } from '../tryton/gateway/outages.ts';
import { sessionsFlow } from '../tryton/gateway/sessions.ts';
import { liveStage, missingStage } from './tryton-setup.ts';

if (missingStage === null) {
  // A real server on a loaded machine needs half a second for a call; more calls at once would reach their deadline.
  sessionsFlow('a session shared by two processes, on a real server', liveStage, 8);
  loginsFlow('a wrong password, on a real server', liveStage);
  outagesFlow('a real server that is stopped and started under load', liveStage);
} else
  describe('a real Tryton that is disturbed', () => {
    it.skip(`needs ${missingStage}`);
  });
