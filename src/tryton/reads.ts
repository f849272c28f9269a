// What counts as a read, by name. Every entry was compared with what the running servers 5.0, 6.0 and 7.0, with the
// modules party, product, stock, account, account_invoice and sale, declare: no method that matches writes.

/** Methods of any model. */
export const MODEL_READS: ReadonlySet<string> = new Set([
  // trytond/model/modelstorage.py and modelsql.py: records.
  'read',
  'search',
  'search_read',
  'search_count',
  'export_data',
  'export_data_domain', // not on 5.0
  'resources', // counts of attachments and notes; not on 5.0
  'history_revisions', // dates and users
  // trytond/model/model.py and modelview.py: descriptions for forms, and what a form would hold. Nothing is stored.
  'fields_get',
  'fields_view_get',
  'view_toolbar_get',
  'default_get',
  'pre_validate',
  'on_change',
  'on_change_with',
  'on_change_notify', // not on 5.0 and 6.0
  'on_scan_code', // not on 5.0 and 6.0
  'autocomplete', // not on 5.0 and 6.0
  'on_write', // which other records of a list to read again after a write
  // trytond/model/dictschema.py, symbol.py, digits.py.
  'get_keys',
  'search_get_keys',
  'get_symbol',
  'get_digits',
  // The choices of selection and reference fields (trytond/model/fields: `set_rpc`), under the names that modules gave.
  'code_get', // 5.0
  'get_contact_mechanisms',
  'get_copy_to_resources',
  'get_cost_price_methods',
  'get_documents',
  'get_inventory_states',
  'get_invoice_states',
  'get_invoice_types',
  'get_language',
  'get_models',
  'get_move_origin',
  'get_move_states',
  'get_origin',
  'get_sale_invoice_method',
  'get_sale_invoice_methods',
  'get_sale_shipment_method',
  'get_sale_shipment_methods',
  'get_sale_states',
  'get_search_models',
  'get_shipment',
  'get_subdivision_types',
  'get_types',
]);

/** One method per field, made by trytond/model/fields/field.py. */
export const FIELD_READS: readonly string[] = ['on_change_', 'on_change_with_', 'autocomplete_'];

/** Reads of a single model or service, each from the class or file that declares it. */
export const NAMED_READS: ReadonlySet<string> = new Set([
  'model.ir.action.get_action_id', // 5.0
  'model.ir.action.get_action_value', // not on 5.0
  'model.ir.action.act_window.get',
  'model.ir.action.keyword.get_keyword', // the entries of a menu
  'model.ir.action.keyword.models_get',
  'model.ir.date.today',
  'model.ir.email.complete', // addresses that begin so
  'model.ir.email.template.get', // a mail filled in, not sent
  'model.ir.email.template.get_default',
  'model.ir.export.get',
  'model.ir.model.get_names',
  'model.ir.model.get_notification',
  'model.ir.model.global_search',
  'model.ir.model.list_history',
  'model.ir.model.list_models',
  'model.ir.model.access.get_access',
  'model.ir.model.button.click.get_click', // who pressed a button, not the pressing
  'model.ir.ui.icon.list_icons',
  'model.ir.ui.menu.list_icons',
  'model.ir.ui.menu.favorite.get',
  'model.ir.ui.view.view_get',
  'model.ir.ui.view_search.get',
  'model.ir.ui.view_search.get_search', // 5.0 and 6.0
  'model.ir.ui.view_tree_state.get',
  'model.res.user.get_preferences',
  'model.res.user.get_preferences_fields_view',
  'model.currency.currency.compute',
  // trytond/protocols/dispatcher.py. `common.db.list` is left out: what else a server holds is not for every caller.
  'common.server.version',
  'common.authentication.services',
  'system.listMethods',
  'system.methodHelp',
  'system.methodSignature',
]);
