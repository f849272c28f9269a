from odoo import api, fields, models

TAX_RATE = 0.20


class Bc(models.Model):
    """A purchase order (bon de commande)."""

    _name = 'dimagaz.bc'
    _description = 'Bon de commande'
    _order = 'date_order desc, id desc'

    name = fields.Char('Number', required=True, index=True)
    active = fields.Boolean(default=True)
    partner_id = fields.Many2one('res.partner', 'Supplier', index=True)
    user_id = fields.Many2one('res.users', 'Buyer', default=lambda self: self.env.user)
    company_id = fields.Many2one('res.company', 'Company', default=lambda self: self.env.company)
    currency_id = fields.Many2one(
        'res.currency', 'Currency', default=lambda self: self.env.company.currency_id
    )
    date_order = fields.Datetime('Ordered on', default=fields.Datetime.now)
    date_planned = fields.Date('Expected on')
    state = fields.Selection(
        [
            ('draft', 'Draft'),
            ('sent', 'Sent'),
            ('confirmed', 'Confirmed'),
            ('done', 'Done'),
            ('cancel', 'Cancelled'),
        ],
        'State',
        default='draft',
        required=True,
        index=True,
    )
    # Stored: a line's price, quantity or discount moves them, and with them the header's write_date.
    # Nothing else of a line is named here, so nothing else of a line touches the header.
    amount_untaxed = fields.Monetary('Untaxed', compute='_compute_amounts', store=True)
    amount_tax = fields.Monetary('Tax', compute='_compute_amounts', store=True)
    amount_total = fields.Monetary('Total', compute='_compute_amounts', store=True)
    discount_rate = fields.Float('Discount rate', digits=(16, 4))
    priority = fields.Integer('Priority')
    urgent = fields.Boolean('Urgent')
    notes = fields.Text('Notes')
    terms = fields.Html('Terms')
    tag_ids = fields.Many2many('dimagaz.tag', string='Tags')
    line_ids = fields.One2many('dimagaz.bc.line', 'bc_id', 'Lines')
    line_count = fields.Integer('Number of lines', compute='_compute_line_count')
    scan = fields.Binary('Scan', attachment=True)
    scan_name = fields.Char('Name of the scan')
    source_ref = fields.Reference(
        [('res.partner', 'Contact'), ('dimagaz.bc', 'Bon de commande')], 'Origin'
    )
    origin_model = fields.Char('Model of the first request')
    origin_id = fields.Many2oneReference('First request', model_field='origin_model')

    @api.depends('line_ids.subtotal')
    def _compute_amounts(self):
        for bc in self:
            untaxed = sum(bc.line_ids.mapped('subtotal'))
            bc.amount_untaxed = untaxed
            bc.amount_tax = untaxed * TAX_RATE
            bc.amount_total = bc.amount_untaxed + bc.amount_tax

    @api.depends('line_ids')
    def _compute_line_count(self):
        for bc in self:
            bc.line_count = len(bc.line_ids)
