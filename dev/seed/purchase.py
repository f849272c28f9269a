"""Orders for a stock Odoo with the module `purchase`, to mirror `purchase.order`. Runs in `odoo shell`; adds once.

    odoo shell -d DB --no-http < dev/seed/purchase.py
"""
ORDERS = 60


def seed():
    Order = env['purchase.order']  # noqa: F821, odoo shell gives `env`
    if Order.search_count([]) >= ORDERS:
        return
    partner = env['res.partner'].create({'name': 'Établissements Lefèvre & Fils'})  # noqa: F821
    product = env['product.product'].create({'name': 'Bouteille de butane 13 kg'})  # noqa: F821
    for number in range(ORDERS):
        lines = [
            (0, 0, {'product_id': product.id, 'name': 'Ligne %d' % line, 'product_qty': line + 1, 'price_unit': 12.5})
            for line in range(number % 7)
        ]
        Order.create({'partner_id': partner.id, 'order_line': lines})
    env.cr.commit()  # noqa: F821


seed()
