import { describe, expect, it } from 'vitest';
import { TrytonRequestError } from '../../../src/tryton/errors.ts';
import {
  isPattern,
  isRead,
  isReserved,
  isServerMethod,
  matchesPattern,
  methodName,
  needsContext,
  readTags,
  writeTags,
} from '../../../src/tryton/methods.ts';

/** Last parts of all methods of models that servers 5.0, 6.0 and 7.0 with the module sale declare as writing. */
const WRITING = `
  activate activate_cancel add_products assign assign_force assign_try assign_wizard cancel close complete_lines
  confirm copy count create create_period create_period_3 create_periods deactivate deactivate_cancel
  delegate_lines_to_pay delete do do_count done draft handle_invoice_exception handle_shipment_exception import_data
  load_translations lock lock_ manual_invoice manual_shipment modify_header open pack pay pick post process quote
  receive renew reopen reschedule_lines_to_pay reset_password run run_once send set set_optional set_preferences
  set_width ship show skip solve sync unload_translations unset update upgrade upgrade_cancel validate_
  validate_invoice wait write`
  .trim()
  .split(/\s+/);

describe('the name of a method', () => {
  it('is given in one piece or in two', () => {
    expect(methodName('model', 'party.party.search')).toBe('model.party.party.search');
    expect(methodName('model.party.party.search')).toBe('model.party.party.search');
    expect(methodName('common', 'db.list')).toBe('common.db.list');
    expect(methodName('model.ir.action-res.group.read')).toBe('model.ir.action-res.group.read');
  });

  it.each([
    '',
    'model',
    'search',
    'model.search',
    'report.execute',
    'model..read',
    '.model.a.read',
    'model.party.party.',
    'model.party party.read',
    'model.party.party.read ',
    'model.party.party.read\n',
    'model.party\u0000.read',
    'model.*.read',
    'model.pärty.read',
    'model/party.read',
    `model.${'a'.repeat(190)}.read`,
  ])('is refused where it cannot be one: %j', (name) => {
    expect(() => methodName(name)).toThrow(TrytonRequestError);
  });

  it('is quoted in the refusal, shortened and without control characters', () => {
    expect(() => methodName('model', 'party.\u0007')).toThrow(
      '"model.party.\\u0007" is no method name: names in letters, digits, "_" and "-", joined by dots, as in',
    );
    expect(() => methodName('x'.repeat(100_000))).toThrow(/^"x{60}…" has more than 200 characters/);
  });
});

describe('reads', () => {
  it.each([
    'model.party.party.read',
    'model.sale.sale.search_read',
    'model.account.invoice.search_count',
    'model.party.party.fields_get',
    'model.party.party.default_get',
    'model.sale.line.on_change_product',
    'model.sale.line.on_change_with_amount',
    'model.party.address.autocomplete_postal_code',
    'model.party.identifier.get_types',
    'model.res.user.get_preferences',
    'model.ir.date.today',
    'common.server.version',
    'system.listMethods',
  ])('are known by name: %s', (method) => {
    expect(isRead(method)).toBe(true);
  });

  it('are not methods that write', () => {
    expect(WRITING).toContain('write');
    expect(WRITING.filter((verb) => isRead(`model.party.party.${verb}`))).toEqual([]);
  });

  it.each([
    'report.account.invoice.execute',
    'report.sale.sale.read',
    'wizard.party.replace.read',
    'wizard.sale.fields_get.execute',
    'model.party.party.readable',
    'model.party.party.Read',
    'model.party.party.on_changed',
    'model.read.read.write',
    'model.party.party.get',
    'common.db.list',
    'common.db.login',
    'common.read',
    'xmodel.party.party.read',
  ])('are not taken for what only looks like one: %s', (method) => {
    expect(isRead(method)).toBe(false);
  });
});

describe('kinds of methods', () => {
  it('about sessions and passwords are reserved', () => {
    for (const name of ['login', 'logout', 'reset_password', 'drop'])
      expect(isReserved(`common.db.${name}`)).toBe(true);
    for (const name of ['common.db.list', 'common.server.version', 'model.common.db.login'])
      expect(isReserved(name)).toBe(false);
  });

  it('of models, wizards and reports take a context', () => {
    const methods = [
      'model.a.read',
      'wizard.a.execute',
      'report.a.execute',
      'common.db.list',
      'system.listMethods',
    ];
    expect(methods.map(needsContext)).toEqual([true, true, true, false, false]);
  });

  it('of the server itself go to its root', () => {
    const methods = ['common.server.version', 'common.db.list', 'common.authentication.services'];
    expect(methods.every(isServerMethod)).toBe(true);
    expect(['common.db.login', 'system.listMethods', 'model.a.read'].some(isServerMethod)).toBe(false);
  });
});

describe('tags of the cache', () => {
  it('of a read are its model and everything', () => {
    expect(readTags('model.party.party.read')).toEqual(['*', 'party.party']);
    expect(readTags('common.server.version')).toEqual(['*']);
  });

  it.each([
    ['create', [[{ name: 'A', categories: [1, 2], lang: null }], {}]],
    ['write', [[1], { name: 'create' }, [2], { name: 'B' }, {}]],
    ['write', [[1], { tags: ['write', 'delete'] }, {}]],
  ])('of %s are the model', (verb, params) => {
    expect(writeTags(`model.party.party.${verb}`, params)).toEqual(['party.party']);
  });

  it.each([
    ['create', [[{ name: 'A' }, { addresses: [['create', [{ city: 'Lyon' }]]] }], {}]],
    ['write', [[1], { name: 'A' }, [2], { addresses: [['delete', [8]]] }, {}]],
    [
      'write',
      [
        [1],
        {
          addresses: [
            ['add', [8]],
            ['write', [7], {}],
          ],
        },
        {},
      ],
    ],
    ['delete', [[1], {}]],
    ['copy', [[1], {}]],
    ['import_data', [['name', 'addresses/city'], [['A', 'Lyon']], {}]],
  ])('of %s are everything where it reaches into other models', (verb, params) => {
    expect(writeTags(`model.party.party.${verb}`, params)).toEqual(['*']);
  });

  it.each([
    'model.sale.sale.confirm',
    'model.ir.translation.write',
    'model.res.user.create',
    'model.res.user.set_preferences',
    'wizard.party.replace.execute',
    'wizard.party.party.create',
    'report.account.invoice.execute',
    'common.unknown',
  ])('are everything if the reach is unknown: %s', (method) => {
    expect(writeTags(method, [])).toEqual(['*']);
  });
});

describe('patterns', () => {
  it.each([
    ['model.party.party.read', 'model.party.party.read', true],
    ['model.party.party.read', 'model.*', true],
    ['model.party.party.read', 'model.*.read', true],
    ['model.party.party.read', '*', true],
    ['model.party.party.read', '*.read', true],
    ['model.party.party.read', 'model.party.*.*', true],
    ['model.party.party.read', '*party*party*', true],
    ['model.party.party.read', 'model.party.party.read*', true],
    ['model.party.party.read', '**', true],
    ['model.party.party.read', '*party*party*party*', false],
    ['model.party.party.read', 'model.party', false],
    ['model.party.party.read', 'party.party.read', false],
    ['model.party.party.read', 'Model.*', false],
    ['model.party.party.read', 'model.party.party.read.*', false],
    ['model.party.party.readx', 'model.*.read', false],
    ['xmodel.party.party.read', 'model.*', false],
    ['modelxparty.party.read', 'model.*', false],
    ['model.party.party.write', 'model.*.read', false],
    ['model.a.read', 'model.a.read*read', false],
    ['model.party.party.read', '', false],
  ])('%s, %s: %s', (method, pattern, fits) => {
    expect(matchesPattern(method, pattern)).toBe(fits);
  });

  it('with many stars cost no time', () => {
    expect(matchesPattern('a'.repeat(200), `${'*a'.repeat(99)}*b`)).toBe(false);
  });

  it('are method names with stars', () => {
    for (const text of ['*', 'model.*', 'model.party.*.read', 'model.*_get', 'common.db.list', 'model.**'])
      expect(isPattern(text)).toBe(true);
    for (const text of [
      '',
      ' ',
      'model.',
      '.*',
      'model..read',
      'model.[a]',
      'model. *',
      'a\n',
      'a'.repeat(201),
    ])
      expect(isPattern(text)).toBe(false);
  });
});
