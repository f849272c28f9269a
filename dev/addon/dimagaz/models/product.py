from odoo import fields, models


class Product(models.Model):
    """What a line orders. Not the stock product: the add-on needs nothing but `base`."""

    _name = 'dimagaz.product'
    _description = 'Product'
    _order = 'name, id'

    name = fields.Char('Name', required=True)
    active = fields.Boolean(default=True)
    code = fields.Char('Reference', index=True)
    price = fields.Float('Price', digits=(16, 4))
