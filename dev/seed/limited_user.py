"""A user `limited`, password `limited`, who may sign in and read nothing of the add-on. Runs in `odoo shell`.

    odoo shell -d DB --no-http < dev/seed/limited_user.py
"""
Users = env['res.users'].with_context(no_reset_password=True)  # noqa: F821, odoo shell gives `env`
# The field was renamed in Odoo 19.
groups = 'group_ids' if 'group_ids' in Users._fields else 'groups_id'
portal = env.ref('base.group_portal')  # noqa: F821
user = Users.search([('login', '=', 'limited')]) or Users.create({'name': 'limited', 'login': 'limited', groups: [(6, 0, portal.ids)]})
user.write({'password': 'limited', groups: [(6, 0, portal.ids)]})
env.cr.commit()  # noqa: F821
