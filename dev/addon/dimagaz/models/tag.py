from odoo import fields, models


class Tag(models.Model):
    """A coloured word on a purchase order."""

    _name = 'dimagaz.tag'
    _description = 'Tag'
    _order = 'name, id'

    name = fields.Char('Name', required=True)
    color = fields.Integer('Colour')
