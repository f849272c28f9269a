import { describe, expect, it } from 'vitest';
import { personalField } from '../../src/odoo/personal-fields.ts';

/** As `fields_get` of 14.0 and 19.0 describes them. */
describe('fields that look personal', () => {
  it.each([
    ['res.partner', 'email', 'char', 'e-mail', 'hash'],
    ['crm.lead', 'email_from', 'char', 'e-mail', 'hash'],
    ['hr.employee', 'mobile_phone', 'char', 'phone', 'hash'],
    ['res.partner', 'vat', 'char', 'identifier', 'hash'],
    ['hr.employee', 'ssnid', 'char', 'identifier', 'hash'],
    ['res.partner.bank', 'sanitized_acc_number', 'char', 'bank account', 'hash'],
    ['res.partner', 'street2', 'char', 'address', 'drop'],
    ['res.partner', 'partner_latitude', 'float', 'address', 'drop'],
    ['hr.employee', 'private_city', 'char', 'address', 'drop'],
    ['hr.employee', 'gender', 'selection', 'civil status', 'drop'],
    ['res.partner', 'name', 'char', 'name', 'mask'],
    ['res.partner', 'comment', 'html', 'free text', 'drop'],
    ['res.users', 'login', 'char', 'identifier', 'hash'],
    ['res.users', 'password', 'char', 'secret', 'drop'],
    ['res.partner', 'image_1920', 'binary', 'picture', 'drop'],
  ])('%s.%s (%s) is %s: %s', (model, name, type, kind, advice) => {
    expect(personalField(model, { name, type })).toEqual({ kind, advice });
  });

  it('the label of a bank account is its number', () => {
    const field = { name: 'partner_bank_id', type: 'many2one', relation: 'res.partner.bank' };
    expect(personalField('account.move', field)).toEqual({ kind: 'bank account', advice: 'hash' });
  });
});

describe('fields that do not', () => {
  it.each([
    ['purchase.order', 'name', 'char'],
    ['purchase.order', 'notes', 'html'],
    ['res.partner', 'bank_account_count', 'integer'],
    ['res.partner', 'vat_label', 'char'],
    ['res.partner', 'email_score', 'float'],
    ['res.partner', 'is_blacklisted_email', 'boolean'],
    ['res.partner', 'bank_ids', 'one2many'],
    ['product.product', 'image_1920', 'binary'],
    ['product.product', 'weight', 'float'],
    ['stock.picking', 'priority', 'selection'],
  ])('%s.%s (%s)', (model, name, type) => {
    expect(personalField(model, { name, type })).toBeNull();
  });
});
