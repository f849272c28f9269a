import { describe, it } from 'vitest';
import { trytonContract } from '../contract/tryton.ts';

const { TRYTON_RPC_URL: url, TRYTON_USER: user, TRYTON_PASSWORD: password } = process.env;

if (url && user && password) trytonContract(`the Tryton at ${url}`, () => ({ url, user, password }));
else
  describe('the Tryton contract', () => {
    it.skip('needs TRYTON_RPC_URL, TRYTON_USER and TRYTON_PASSWORD');
  });
