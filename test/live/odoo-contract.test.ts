import { describe, it } from 'vitest';
import { odooContract } from '../contract/odoo.ts';

const {
  ODOO_URL: url,
  ODOO_DB: db,
  ODOO_USER: user,
  ODOO_PASSWORD: password,
  ODOO_API_KEY: apiKey,
} = process.env;

if (url && db && user && password)
  odooContract(`the Odoo at ${url}`, {
    protocols: apiKey ? ['xmlrpc', 'jsonrpc', 'json2'] : ['xmlrpc', 'jsonrpc'],
    coordinates: () => ({ url, db, user, password, apiKey }),
  });
else
  describe('the Odoo contract', () => {
    it.skip('needs ODOO_URL, ODOO_DB, ODOO_USER and ODOO_PASSWORD (and ODOO_API_KEY for JSON-2)');
  });
