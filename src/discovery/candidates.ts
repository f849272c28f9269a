import { OdooAccessError, OdooModelError } from '../odoo/errors.ts';
import type { OdooClient, OdooFields } from '../odoo/types.ts';

/**
 * Models of the usual modules, in the order in which they are tried. Odoo 19.0 lets only administrators read `ir.model`,
 * so a list for other users starts here.
 */
const COMMON_MODELS: readonly string[] = [
  'purchase.order',
  'sale.order',
  'account.move',
  'stock.picking',
  'res.partner',
  'product.product',
  'product.template',
  'res.users',
  'res.company',
  'account.payment',
  'account.bank.statement',
  'account.analytic.line',
  'account.asset',
  'account.journal',
  'account.account',
  'account.tax',
  'crm.lead',
  'event.event',
  'event.registration',
  'fleet.vehicle',
  'fsm.order',
  'helpdesk.ticket',
  'hr.attendance',
  'hr.contract',
  'hr.employee',
  'hr.expense',
  'hr.expense.sheet',
  'hr.leave',
  'hr.payslip',
  'maintenance.request',
  'mrp.bom',
  'mrp.production',
  'planning.slot',
  'pos.order',
  'product.pricelist',
  'product.supplierinfo',
  'project.project',
  'project.task',
  'purchase.requisition',
  'quality.check',
  'repair.order',
  'sale.subscription',
  'stock.lot',
  'stock.production.lot',
  'stock.move',
  'stock.quant',
  'stock.scrap',
  'stock.valuation.layer',
  'stock.warehouse',
];

/** Models of the framework, of messages, of wizards and of the web client. */
const TECHNICAL = [
  /^_unknown$/,
  /^(?:ir|mail|bus|base|base_import|base_install|web|web_tour|web_editor|html_editor|report|digest|iap|sms|snailmail|phone|auth|auth_totp|rating|utm|portal|privacy|onboarding|discuss|fetchmail|format|barcodes|barcode|image|properties|resource|link|kpi|change|wizard|spreadsheet|cetmix|test|template|decimal|publisher_warranty|analytic\.mixin|website|http|google|microsoft|calendar\.(?:alarm|provider|recurrence|attendee))(?:[._]|$)/,
  /^res\.(?:config|groups|lang|device|users\.|currency\.|country|partner\.autocomplete)/,
  /\.(?:mixin|wizard|report|settings|abstract)(?:\.|$)/,
];

export const isTechnical = (model: string): boolean => TECHNICAL.some((pattern) => pattern.test(model));

/** Settings and short lists that documents refer to. */
const REFERENCE = [
  /^(?:uom|payment)\./,
  /^account\.(?:account|code|cash|fiscal|full|group|incoterms|journal|payment\.(?:method|term)|reconcile|root|tax)(?:[._]|$)/,
  /^product\.(?:attribute|category|pricelist|removal|tag)(?:[._]|$)/,
  /^res\.(?:bank|company|country|currency|partner\.)/,
  /^stock\.(?:location|picking\.type|route|rule|storage|warehouse)(?:[._]|$)/,
];

export const isReference = (model: string): boolean => REFERENCE.some((pattern) => pattern.test(model));

/** A model of Odoo before it was asked anything. */
interface Candidate {
  readonly model: string;
  /** Null: unknown. */
  readonly label: string | null;
}

export interface Candidates {
  /** `common`: the user may not read `ir.model`, so this is a list of ours. */
  readonly source: 'ir.model' | 'common';
  readonly list: readonly Candidate[];
}

/** The models of this Odoo, without transient and abstract ones; or those that an Odoo often has. */
export async function listCandidates(odoo: OdooClient, configured: readonly string[]): Promise<Candidates> {
  try {
    return { source: 'ir.model', list: await readModels(odoo, await odoo.fieldsGet('ir.model')) };
  } catch (error) {
    if (!(error instanceof OdooAccessError || error instanceof OdooModelError)) throw error;
    const models = [...new Set([...configured, ...COMMON_MODELS])];
    return { source: 'common', list: models.map((model) => ({ model, label: null })) };
  }
}

/** Odoo 14.0 does not describe whether a model is abstract. */
async function readModels(odoo: OdooClient, described: OdooFields): Promise<Candidate[]> {
  const flags = ['transient', 'abstract'].filter((name) => described[name]?.store === true);
  const records = await odoo.searchRead('ir.model', [], { fields: ['model', 'name', ...flags], order: 'id' });
  return records
    .filter((record) => flags.every((flag) => record[flag] !== true))
    .map(({ model, name }) => ({ model: String(model), label: typeof name === 'string' ? name : null }));
}

/** Required many2one fields whose records are deleted with their target, as `model.field`. Empty if unreadable. */
export async function ownedLinks(odoo: OdooClient): Promise<ReadonlySet<string>> {
  try {
    const found = await odoo.searchRead(
      'ir.model.fields',
      [
        ['ttype', '=', 'many2one'],
        ['required', '=', true],
        ['on_delete', '=', 'cascade'],
      ],
      { fields: ['model', 'name'], order: 'id' },
    );
    return new Set(found.map(({ model, name }) => `${String(model)}.${String(name)}`));
  } catch (error) {
    if (error instanceof OdooAccessError || error instanceof OdooModelError) return new Set();
    throw error;
  }
}
