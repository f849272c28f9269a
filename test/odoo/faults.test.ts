import { describe, expect, it } from 'vitest';
import { faultError, plainMessage } from '../../src/odoo/faults.ts';

const site = {
  target: 'http://odoo/ (database prod)',
  call: 'res.partner.read',
  user: 'bot',
  model: 'res.partner',
};
const other = (message: string) => faultError(site, { kind: 'other', message });

/** As Odoo 14.0 and 19.0 send them over XML-RPC, frames shortened. */
const TRACEBACK_14 = `Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/odoo/addons/base/controllers/rpc.py", line 69, in xmlrpc_2
    response = self._xmlrpc(service)
  File "/usr/lib/python3/dist-packages/odoo/models.py", line 3006, in read
    raise ValueError("Invalid field %r on model %r" % (name, self._name))
ValueError: Invalid field 'nope' on model 'res.partner'
`;
const TRACEBACK_19 = `Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/odoo/orm/models.py", line 3851, in _determine_fields_to_fetch
    field = self._fields[field_name]
            ~~~~~~~~~~~~^^^^^^^^^^^^
KeyError: 'nope'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/odoo/orm/models.py", line 3853, in _determine_fields_to_fetch
    raise ValueError(f"Invalid field {field_name!r} on {self._name!r}") from e
ValueError: Invalid field 'nope' on 'res.partner'
`;
const DATABASE_14 = `Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/psycopg2/__init__.py", line 127, in connect
    conn = _connect(dsn, connection_factory=connection_factory, **kwasync)
psycopg2.OperationalError: FATAL:  database "nodb" does not exist

`;
const SQL_14 = `Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/odoo/sql_db.py", line 101, in check
    return f(self, *args, **kwargs)
psycopg2.errors.InvalidDatetimeFormat: invalid input syntax for type timestamp: "zz"
LINE 1: ...ctive" = true) AND ("res_partner"."write_date" >= 'zz')) AND...
                                                             ^
`;
/** As 19.0 sends it while the add-on's new code runs on the database of the old one. */
const COLUMN_19 = `Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/odoo/sql_db.py", line 439, in execute
    self._obj.execute(query, params)
psycopg2.errors.UndefinedColumn: column dimagaz_bc.carrier does not exist
LINE 1: ...rice", "dimagaz_bc"."carrier" FROM
                                ^
`;
const CLOSED_19 = `Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/odoo/sql_db.py", line 439, in execute
    self._obj.execute(query, params)
psycopg2.OperationalError: server closed the connection unexpectedly
\tThis probably means the server terminated abnormally
`;

describe('what Odoo reports', () => {
  it.each([
    [TRACEBACK_14, 'odoo_unknown_field'],
    [TRACEBACK_19, 'odoo_unknown_field'],
    ["Invalid field res.partner.nope in leaf ('nope', '=', 1)", 'odoo_unknown_field'],
    ["Invalid field res.partner.nope in condition ('nope', '=', 1)", 'odoo_unknown_field'],
    [DATABASE_14, 'odoo_unknown_database'],
    [
      'connection to server at "127.0.0.1", port 5432 failed: FATAL:  database "nodb" does not exist\n',
      'odoo_unknown_database',
    ],
    ["Object res.partner doesn't exist", 'odoo_unknown_model'],
    ["the model 'res.partner' does not exist", 'odoo_unknown_model'],
    [SQL_14, 'odoo_application_error'],
    [COLUMN_19, 'odoo_unknown_field'],
    [CLOSED_19, 'odoo_storage_trouble'],
    [
      'Record does not exist or has been deleted.\n(Record: res.partner(9,), User: 2)',
      'odoo_application_error',
    ],
    ['FATAL:  the database system is starting up', 'odoo_application_error'],
  ])('%j is %s', (message, code) => {
    expect(other(message).code).toBe(code);
  });

  it('is a refused login or a missing right by its kind', () => {
    expect(faultError(site, { kind: 'denied', message: 'Access Denied' }).code).toBe('odoo_bad_credentials');
    const forbidden = faultError(site, {
      kind: 'forbidden',
      message: "You are not allowed to access 'X' records.",
    });
    expect(forbidden).toMatchObject({ code: 'odoo_access_denied', retryable: false });
    expect(forbidden.message).toContain("You are not allowed to access 'X' records.");
  });

  it.each([
    ['psycopg2.errors.UndefinedColumn', 'odoo_unknown_field'],
    ['psycopg2.errors.SerializationFailure', 'odoo_storage_trouble'],
    ['psycopg2.InterfaceError', 'odoo_storage_trouble'],
    ['builtins.ValueError', 'odoo_application_error'],
  ])('is recognised by the class %s too, whatever the language of the message', (exception, code) => {
    expect(faultError(site, { kind: 'other', message: 'en français', exception }).code).toBe(code);
  });

  it('is an unknown model also in the words of another language, which Odoo 14 uses', () => {
    const call = { ...site, call: 'dimagaz.bc.fields_get', model: 'dimagaz.bc' };
    const french = { kind: 'other', message: "L'objet dimagaz.bc n'existe pas" } as const;
    expect(faultError(call, french).code).toBe('odoo_unknown_model');
    expect(faultError({ ...call, call: 'dimagaz.bc.read' }, french).code).toBe('odoo_application_error');
  });

  it('names the server, the call and what to do', () => {
    expect(other("Object res.partner doesn't exist").message).toBe(
      'Odoo at http://odoo/ (database prod), call res.partner.read: there is no model res.partner. ' +
        'Check ODOO_MODEL and ODOO_LINE_MODEL, and that the module which defines it is installed.',
    );
  });
});

describe('messages', () => {
  it.each([
    [TRACEBACK_14, "Invalid field 'nope' on model 'res.partner'"],
    [TRACEBACK_19, "Invalid field 'nope' on 'res.partner'"],
    [
      'Traceback (most recent call last):\n  File "x", line 1, in f\n    g()\nAssertionError\n',
      'AssertionError',
    ],
    ['Traceback (most recent call last):\n  File "x", line 1, in f\n    g()', 'no message'],
    ['Error while evaluating\nTraceback (most recent call last):\n  File "x"\nKeyError: \'a: b\'', "'a: b'"],
    ['  a plain message\n', 'a plain message'],
    ['', 'no message'],
  ])('%j', (text, expected) => {
    expect(plainMessage(text)).toBe(expected);
  });

  it('keep the further lines of the last exception, and none of the frames', () => {
    expect(plainMessage(SQL_14)).toMatch(/^invalid input syntax for type timestamp: "zz"\nLINE 1: /);
    for (const text of [TRACEBACK_14, TRACEBACK_19, DATABASE_14, SQL_14])
      expect(other(text).message).not.toMatch(/Traceback|File "|\.py/);
  });
});
