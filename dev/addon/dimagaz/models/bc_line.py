from odoo import api, fields, models


class BcLine(models.Model):
    """A line of a purchase order."""

    _name = 'dimagaz.bc.line'
    _description = 'Bon de commande, line'
    _order = 'bc_id, sequence, id'

    bc_id = fields.Many2one('dimagaz.bc', 'BC', required=True, ondelete='cascade', index=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer('Sequence', default=10)
    product_id = fields.Many2one('dimagaz.product', 'Product')
    name = fields.Text('Description')
    quantity = fields.Float('Quantity', digits=(16, 3), default=1.0)
    uom = fields.Selection(
        [('unit', 'Unit'), ('kg', 'Kilogram'), ('m', 'Metre'), ('l', 'Litre'), ('h', 'Hour')],
        'Unit',
        default='unit',
    )
    price_unit = fields.Float('Unit price', digits=(16, 4))
    discount = fields.Float('Discount (%)', digits=(5, 2))
    currency_id = fields.Many2one('res.currency', related='bc_id.currency_id')
    subtotal = fields.Monetary('Subtotal', compute='_compute_subtotal', store=True)
    delivery_date = fields.Date('Delivered on')
    delivered = fields.Boolean('Delivered')
    note = fields.Text('Note')
    photo = fields.Binary('Photo', attachment=True)

    @api.depends('quantity', 'price_unit', 'discount')
    def _compute_subtotal(self):
        for line in self:
            line.subtotal = line.quantity * line.price_unit * (1 - line.discount / 100)
