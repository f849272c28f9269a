import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRYTON_VERSIONS } from '../../../dev/sandbox-tryton/models/fields.ts';
import type { SandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { errorOf, result, signIn } from '../../contract/tryton-ask.ts';

const NOW = new Date('2026-03-15T10:00:00Z');

describe.each(TRYTON_VERSIONS)('the gas distributor of a sandbox Tryton %s', (version) => {
  let sandbox: SandboxTryton;
  let token = '';
  beforeAll(async () => {
    sandbox = await startSandboxTryton({ version, sales: 40, seed: 7, clock: () => NOW });
    token = (await signIn(sandbox)).token;
  });
  afterAll(() => sandbox?.stop());
  const call = (method: string, ...params: unknown[]) =>
    result(sandbox.url, `model.${method}`, params, { session: token });
  const failing = (method: string, ...params: unknown[]) =>
    errorOf(sandbox.url, `model.${method}`, params, { session: token });
  const read = async (model: string, id: unknown, ...names: string[]) =>
    Object(await call(`${model}.read`, [id], names, {}))[0];

  it('is the same with the same seed and day', async () => {
    const other = await startSandboxTryton({ version, sales: 40, seed: 7, clock: () => NOW });
    const all = (one: SandboxTryton) =>
      one.read('sale.sale', one.search('sale.sale', []), [
        'number',
        'state',
        'party',
        'total_amount',
        'sale_date',
      ]);
    expect(all(sandbox)).toEqual(all(other));
    expect(sandbox.count('account.invoice')).toBeGreaterThan(5);
    expect(sandbox.count('party.party')).toBe(13);
    await other.stop();
  });

  it('counts in decimals: a total is the exact sum of its lines and their tax', async () => {
    const lines = [
      { quantity: 3, unit_price: { __class__: 'Decimal', decimal: '0.10' } },
      { quantity: 0.125, unit_price: { __class__: 'Decimal', decimal: '94.3150' } },
    ];
    const [known = 0] = sandbox.search('sale.sale', []);
    const { party, company, currency } = await read('sale.sale', known, 'party', 'company', 'currency');
    const sale = { party, company, currency, lines: [['create', lines]] };
    const [id] = Object(await call('sale.sale.create', [sale], {}));
    const amounts = await read(
      'sale.sale',
      id,
      'untaxed_amount',
      'tax_amount',
      'total_amount',
      'lines.quantity',
    );
    expect(amounts).toMatchObject({
      untaxed_amount: { __class__: 'Decimal', decimal: '12.09' },
      tax_amount: { __class__: 'Decimal', decimal: '2.42' },
      total_amount: { __class__: 'Decimal', decimal: '14.51' },
    });
  });

  it('quotes a sale by its button, but not without an invoice address', async () => {
    const [known = 0] = sandbox.search('sale.sale', []);
    const { party, company, currency } = await read('sale.sale', known, 'party', 'company', 'currency');
    const [address] = sandbox.search('party.address', [['party', '=', party]]);
    const [id] = Object(await call('sale.sale.create', [{ party, company, currency }], {}));
    const [kind, [words]] = Object(await failing('sale.sale.quote', [id], {}));
    expect([kind, words]).toEqual([
      'UserError',
      expect.stringMatching(/invoice address|Invoice and Shipment/),
    ]);
    await call('sale.sale.write', [id], { invoice_address: address }, {});
    expect(await call('sale.sale.quote', [id], {})).toBeNull();
    expect(await read('sale.sale', id, 'state', 'number')).toMatchObject({
      state: 'quotation',
      number: expect.stringMatching(/^CV2026\/\d{5}$/),
    });
    await call('sale.sale.confirm', [id], {});
    expect(await read('sale.sale', id, 'state')).toMatchObject({ state: 'confirmed' });
  });

  it('warns of an invoice dated in the future until a user confirms it, once', async () => {
    const [posted = 0] = sandbox.search('account.invoice', [['state', '=', 'posted']]);
    const [copy] = Object(await call('account.invoice.copy', [posted], {}));
    const future = {
      state: 'draft',
      number: null,
      invoice_date: { __class__: 'date', year: 2027, month: 1, day: 1 },
    };
    await call('account.invoice.write', [copy], future, {});
    const [kind, [name, words]] = Object(await failing('account.invoice.post', [copy], {}));
    expect([kind, words]).toEqual(['UserWarning', expect.stringContaining('in the future')]);
    expect(await read('account.invoice', copy, 'state')).toMatchObject({ state: 'draft' });
    await call('res.user.warning.create', [{ user: 1, name }], {});
    expect(await call('account.invoice.post', [copy], {})).toBeNull();
    expect(await read('account.invoice', copy, 'state')).toMatchObject({ state: 'posted' });
    expect(sandbox.count('res.user.warning')).toBe(0);
  });

  it('carries out a call in whole or not at all', async () => {
    const before = sandbox.count('party.party');
    await failing('party.party.create', [{ name: 'Entier' }, { name: 'Moitié', nope: 1 }], {});
    expect(sandbox.count('party.party')).toBe(before);
  });

  it('does not delete what others point at', async () => {
    const [unit = 0] = sandbox.search('product.uom', []);
    const [kind, [words]] = Object(await failing('product.uom.delete', [unit], {}));
    expect([kind, words]).toEqual(['UserError', expect.stringContaining('because they are used by field')]);
  });
});
