"""Rewrites the BC of `LATE_BC` in one transaction that is committed only when an advisory lock is free.

    (echo 'LATE_BC = [1, 2, 3]; LOCK = 1905'; cat dev/seed/late.py) | odoo shell -d DB --no-http

Odoo dates what it writes by the start of the transaction. Whoever holds the lock meanwhile decides how late it
becomes visible: longer than any window of an incremental run looks back, for example. Every run makes new changes.
"""
from datetime import datetime


def rewrite_late():
    env.cr.commit()  # noqa: F821, odoo shell gives `env`: what follows is a transaction of its own
    records = env['dimagaz.bc'].with_context(active_test=False).browse(LATE_BC)  # noqa: F821, given above
    records.write({'notes': 'Écrit à %s, validé plus tard' % datetime.now().isoformat()})
    # 14.0 knows only the second.
    env.flush_all() if hasattr(env, 'flush_all') else env['base'].flush()  # noqa: F821
    env.cr.execute('select pg_advisory_xact_lock(%s)', [LOCK])  # noqa: F821
    env.cr.commit()  # noqa: F821


rewrite_late()
