"""Prints a new API key of `admin`, good for one day, as the last line. For Odoo 19; runs in `odoo shell`."""
from datetime import datetime, timedelta

admin = env.ref('base.user_admin')  # noqa: F821, odoo shell gives `env`
key = env['res.users.apikeys'].with_user(admin)._generate('rpc', 'tests', datetime.now() + timedelta(days=1))  # noqa: F821
env.cr.commit()  # noqa: F821
print(key)
