import { describe, expect, it } from 'vitest';
import { withContext } from '../../../src/tryton/methods.ts';
import type { Wire } from '../../../src/tryton/types.ts';

const context = { language: 'fr', company: 1 };
const name = { name: 'Dupont' };

describe('the context of a call', () => {
  it.each<[string, Wire[]]>([
    ['model.party.party.search', [[]]],
    ['model.party.party.search', []],
    ['model.party.party.create', [[name]]],
    ['model.currency.currency.compute', [1, { __class__: 'Decimal', decimal: '1.50' }]],
    ['wizard.party.replace.execute', [1, { ask: {} }, 'replace']],
  ])('is added where none is given: %s %j', (method, params) => {
    expect(withContext(method, params, context)).toEqual([...params, context]);
  });

  it('that is given wins over the common one, member by member', () => {
    expect(
      withContext('model.party.party.read', [[1], ['name'], { company: 2, active_test: false }], context),
    ).toEqual([[1], ['name'], { language: 'fr', company: 2, active_test: false }]);
    expect(withContext('model.party.party.read', [[1], ['name'], {}], context)).toEqual([
      [1],
      ['name'],
      context,
    ]);
  });

  it.each<[string, Wire[]]>([
    ['model.party.party.write', [[1], name]],
    ['model.party.party.write', [[1], name, [2], name]],
    ['model.party.party.on_change_name', [name]],
    ['model.party.party.on_change_with_code', [name]],
    ['model.party.address.autocomplete_city', [name]],
    ['model.res.user.set_preferences', [{ language: 'de' }]],
    ['report.party.label.execute', [[1], { model: 'party.party' }]],
  ])("is not taken from a method's own last object: %s %j", (method, own) => {
    expect(withContext(method, own, context)).toEqual([...own, context]);
    expect(withContext(method, [...own, { company: 2 }], context)).toEqual([
      ...own,
      { language: 'fr', company: 2 },
    ]);
  });

  it('is for models, wizards and reports alone', () => {
    expect(withContext('system.listMethods', [], context)).toEqual([]);
    expect(withContext('common.server.version', [{}], context)).toEqual([{}]);
  });

  it('leaves the given parameters as they are', () => {
    const params = Object.freeze([Object.freeze([]), Object.freeze({ company: 2 })]);
    withContext('model.party.party.search', params, context);
    expect(params).toEqual([[], { company: 2 }]);
    const named = withContext('model.a.read', [JSON.parse('{"__proto__":{"company":3}}')], context).at(-1);
    expect(Object.getPrototypeOf(named)).toBe(Object.prototype);
  });
});
