import { bytesOf, type Value } from '../values.ts';
import type { ModelDefinition, Reader, Row, TrytonVersion } from './fields.ts';
import * as field from './fields.ts';

const CONTACT_TYPES = [
  ['phone', 'Phone'],
  ['mobile', 'Mobile'],
  ['fax', 'Fax'],
  ['email', 'E-Mail'],
  ['website', 'Website'],
  ['skype', 'Skype'],
  ['sip', 'SIP'],
  ['irc', 'IRC'],
  ['jabber', 'Jabber'],
  ['other', 'Other'],
] as const;

/** Parties, their addresses and contacts; users; attachments. */
export function partyModels(version: TrytonVersion): ModelDefinition[] {
  return [party(version), address(version), contactMechanism(version), attachment(), user(), warning()];
}

const states = field.WHILE_ACTIVE;

function party(version: TrytonVersion): ModelDefinition {
  const the = version === '5.0' ? 'of the party' : 'on party';
  const first = (type: string) => (row: Row, store: Reader) =>
    store.pointing('party.contact_mechanism', 'party', row.id).find((one) => one['type'] === type)?.[
      'value'
    ] ?? null;
  return {
    name: 'party.party',
    string: 'Party',
    order: [['name', 'ASC']],
    unique: [{ fields: ['code'], words: `The code ${the} must be unique.` }],
    fields: {
      name: field.char('Name', { states, help: 'The main identifier of the party.' }),
      code: field.char('Code', { required: true, states, help: 'The unique identifier of the party.' }),
      active: { ...field.active, help: 'Uncheck to exclude from future use.' },
      lang: field.many2one('Language', 'ir.lang', { states }),
      addresses: field.one2many('Addresses', 'party.address', 'party', { states }),
      contact_mechanisms: field.one2many('Contact Mechanisms', 'party.contact_mechanism', 'party', {
        states,
      }),
      phone: field.char('Phone', { compute: first('phone') }),
      email: field.char('E-Mail', { compute: first('email') }),
      full_name: field.char('Full Name', { readonly: true, compute: (row) => row['name'] ?? null }),
    },
  };
}

function address(version: TrytonVersion): ModelDefinition {
  const postal = version === '5.0' ? 'zip' : 'postal_code';
  const lines = (row: Row, store: Reader) => [
    row['street'],
    [row[postal], row['city']].filter(Boolean).join(' '),
    store.row('country.country', row['country'])?.['name'],
  ];
  const fullAddress = (row: Row, store: Reader) => lines(row, store).filter(Boolean).join('\n');
  return {
    name: 'party.address',
    string: 'Address',
    order: [
      ['party', 'ASC'],
      ['sequence', 'ASC NULLS FIRST'],
      ['id', null],
    ],
    recName: (row, store) =>
      [store.row('party.party', row['party'])?.['name'], row['street'], row['city']]
        .filter(Boolean)
        .join(', ')
        .replaceAll('\n', ' '),
    fields: {
      party: field.many2one('Party', 'party.party', { required: true, onDelete: 'cascade' }),
      name: field.char('Building Name', { states }),
      street: field.text('Street', { states }),
      [postal]: field.char(postal === 'zip' ? 'Zip' : 'Postal Code', { states }),
      city: field.char('City', { states }),
      country: field.many2one('Country', 'country.country', { states }),
      sequence: field.integer('Sequence'),
      active: field.active,
      invoice: field.boolean('Invoice', { fill: false }),
      delivery: field.boolean('Delivery', { fill: false }),
      full_address: field.text('Full Address', { readonly: true, compute: fullAddress }),
    },
  };
}

function contactMechanism(version: TrytonVersion): ModelDefinition {
  return {
    name: 'party.contact_mechanism',
    string: 'Contact Mechanism',
    order: [
      ['party', 'ASC'],
      ['sequence', 'ASC NULLS FIRST'],
      ['id', null],
    ],
    recName: (row, store) =>
      version === '5.0'
        ? String(row['value'])
        : `${store.row('party.party', row['party'])?.['name']} <${row['value']}>`,
    fields: {
      type: field.selection('Type', CONTACT_TYPES, { required: true, fill: 'phone', states }),
      value: field.char('Value', { states }),
      value_compact: field.char('Value Compact', { readonly: true, compute: (row) => row['value'] ?? null }),
      comment: field.text('Comment', { states }),
      party: field.many2one('Party', 'party.party', { required: true, onDelete: 'cascade' }),
      sequence: field.integer('Sequence'),
      active: field.active,
    },
  };
}

function attachment(): ModelDefinition {
  return {
    name: 'ir.attachment',
    string: 'Attachment',
    fields: {
      name: field.char('Name', { required: true }),
      type: field.selection(
        'Type',
        [
          ['data', 'Data'],
          ['link', 'Link'],
        ],
        { required: true, fill: 'data' },
      ),
      description: field.text('Description'),
      data: field.binary('Data', {
        states:
          '{"invisible": {"__class__": "Not", "v": {"__class__": "Equal", ' +
          '"s1": {"__class__": "Eval", "v": "type", "d": ""}, "s2": "data"}}}',
      }),
      data_size: field.integer('Data size', {
        readonly: true,
        compute: (row) => bytesOf(row['data'])?.length ?? 0,
      }),
      link: field.char('Link'),
      resource: field.reference('Resource', { required: true }),
    },
  };
}

/** The sessions keep the password; a read returns x's, as on the server. */
function user(): ModelDefinition {
  const hidden = (): Value => 'xxxxxxxxxx';
  return {
    name: 'res.user',
    string: 'User',
    methods: ['get_preferences'],
    fields: {
      name: field.char('Name'),
      login: field.char('Login', { required: true }),
      password: field.char('Password', { compute: hidden }),
      email: field.char('Email'),
      active: field.active,
      language: field.many2one('Language', 'ir.lang'),
      company: field.many2one('Current Company', 'company.company'),
    },
  };
}

function warning(): ModelDefinition {
  return {
    name: 'res.user.warning',
    string: 'User Warning',
    fields: {
      name: field.char('Name', { required: true }),
      user: field.many2one('User', 'res.user', { required: true }),
      always: field.boolean('Always'),
    },
  };
}
