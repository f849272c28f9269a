"""Upgrades the add-on to what its files say, while a server goes on answering from the same database.

    odoo shell -d DB --no-http < dev/seed/upgrade.py
"""
env['ir.module.module'].search([('name', '=', 'dimagaz')]).button_immediate_upgrade()  # noqa: F821, odoo shell gives `env`
