import type { OdooFieldDescription } from './types.ts';

/** Models with one record for each person or company. Their names are personal data. */
export const PERSON_MODELS: readonly string[] = [
  'res.partner',
  'res.users',
  'hr.employee',
  'hr.employee.public',
  'hr.applicant',
  'hr.candidate',
];

type PersonalKind =
  | 'address'
  | 'bank account'
  | 'civil status'
  | 'e-mail'
  | 'free text'
  | 'identifier'
  | 'name'
  | 'phone'
  | 'picture'
  | 'secret';

/** Why a field is probably personal data, and the policy that fits it. */
export interface Personal {
  readonly kind: PersonalKind;
  readonly advice: 'hash' | 'mask' | 'drop';
}

interface Rule {
  /** The name of the field. */
  readonly name: RegExp;
  readonly kind: PersonalKind;
  readonly advice: Personal['advice'];
  /** Only in the models of persons: elsewhere such a field describes the document. */
  readonly personsOnly?: true;
}

/** `word` as a whole word of a name with underscores. */
const word = (...words: string[]) => new RegExp(`(?:^|_)(?:${words.join('|')})(?:_|$)`);

/** Field names of Odoo 14.0 to 19.0 and its usual modules. The first rule that fits counts. */
const RULES: readonly Rule[] = [
  { name: word('password', 'passwd', 'api_key', 'totp_secret', 'token'), kind: 'secret', advice: 'drop' },
  { name: word('e?mails?'), kind: 'e-mail', advice: 'hash' },
  { name: word('phone', 'mobile', 'fax'), kind: 'phone', advice: 'hash' },
  {
    name: word('iban', 'acc_number', 'acc_holder_name', 'bank_account'),
    kind: 'bank account',
    advice: 'hash',
  },
  {
    name: word(
      'vat',
      'siren',
      'siret',
      'ssn',
      'ssnid',
      'sinid',
      'passport',
      'permit_no',
      'visa_no',
      'identification_id',
      'registration_number',
      'company_registry',
    ),
    kind: 'identifier',
    advice: 'hash',
  },
  {
    name: word(
      'birthday',
      'birthdate',
      'date_of_birth',
      'place_of_birth',
      'country_of_birth',
      'gender',
      'sex',
      'marital',
      'spouse',
      'children',
    ),
    kind: 'civil status',
    advice: 'drop',
  },
  {
    name: word(
      'street\\d?',
      'street_name',
      'street_number\\d?',
      'zip',
      'contact_address',
      'private_\\w+',
      'partner_latitude',
      'partner_longitude',
      'emergency_contact',
    ),
    kind: 'address',
    advice: 'drop',
  },
  { name: /^login$/, kind: 'identifier', advice: 'hash', personsOnly: true },
  {
    name: /^(?:comment|notes?|signature|additional_note)$/,
    kind: 'free text',
    advice: 'drop',
    personsOnly: true,
  },
  { name: /^(?:image|avatar)_\d+$/, kind: 'picture', advice: 'drop', personsOnly: true },
  { name: /^(?:contact_name|partner_name|first_?name|last_?name)$/, kind: 'name', advice: 'mask' },
  {
    name: /^(?:name|display_name|complete_name|commercial_company_name|company_name)$/,
    kind: 'name',
    advice: 'mask',
    personsOnly: true,
  },
];

/** They hold ids, numbers or a yes or no. A binary is a picture or a scan. */
const IMPERSONAL_TYPES: readonly string[] = [
  'boolean',
  'one2many',
  'many2many',
  'many2one_reference',
  'json',
];
/** Numbers and choices are personal only in these kinds. */
const NUMBERS: readonly PersonalKind[] = ['address', 'civil status'];
const NUMBER_TYPES: readonly string[] = ['integer', 'float', 'monetary', 'selection'];
/** Texts about a field, for the forms of Odoo. */
const HELPERS = /_(?:count|label|placeholder|type)$/;
const MASKABLE_TYPES: readonly string[] = ['char', 'text', 'html', 'many2one'];

/** A guess by the names of the model and the field; null: it does not look personal. */
export function personalField(
  model: string,
  { name, type, relation }: Pick<OdooFieldDescription, 'name' | 'type' | 'relation'>,
): Personal | null {
  if (IMPERSONAL_TYPES.includes(type) || HELPERS.test(name)) return null;
  // The label of a bank account is its number.
  if (type === 'many2one')
    return relation === 'res.partner.bank' ? { kind: 'bank account', advice: 'hash' } : null;
  const rule = RULES.find(
    (one) => one.name.test(name) && (one.personsOnly !== true || PERSON_MODELS.includes(model)),
  );
  if (rule === undefined || (type === 'binary') !== (rule.kind === 'picture')) return null;
  const { kind, advice } = rule;
  if (NUMBER_TYPES.includes(type) && !NUMBERS.includes(kind)) return null;
  return { kind, advice: advice === 'mask' && !MASKABLE_TYPES.includes(type) ? 'drop' : advice };
}
