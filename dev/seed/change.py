"""Changes a seeded `dimagaz` as an office would and prints as one line of JSON which BC it touched.

    odoo shell -d DB --no-http < dev/seed/change.py

Each change is a transaction of its own. The lines are changed behind their headers' back: neither
moves its header's `write_date`. Every run makes new changes.
"""
import json
from datetime import datetime

REWRITTEN = 300


def change():
    BC = env['dimagaz.bc']  # noqa: F821, odoo shell gives `env`
    Line = env['dimagaz.bc.line']  # noqa: F821
    stamp = 'Modifié le %s' % datetime.now().isoformat()
    # Archived ones are not in the search, so the one that is archived below is another one in the next run.
    spare = [bc for bc in BC.search([('line_ids', '!=', False)], order='id', limit=20) if bc.line_ids]
    header, with_line, grown, archived = spare[:4]
    rewritten = BC.search([('id', 'not in', [bc.id for bc in spare])], order='id', limit=REWRITTEN)

    header.write({'notes': stamp})
    env.cr.commit()  # noqa: F821
    line = with_line.line_ids[0]
    line.write({'note': stamp, 'delivered': not line.delivered})
    env.cr.commit()  # noqa: F821
    # Without a price the amounts stay, and Odoo, which has just read them, sees that and leaves the header alone.
    grown.read(['amount_untaxed', 'amount_tax', 'amount_total'])
    added = Line.create({'bc_id': grown.id, 'name': stamp, 'quantity': 1, 'price_unit': 0})
    env.cr.commit()  # noqa: F821
    created = BC.create(
        {
            'name': 'NOUVEAU %s' % stamp,
            'line_ids': [(0, 0, {'name': 'Première ligne', 'quantity': 2, 'price_unit': 12.5})],
        }
    )
    env.cr.commit()  # noqa: F821
    archived.write({'active': False})
    env.cr.commit()  # noqa: F821
    rewritten.write({'notes': stamp})
    env.cr.commit()  # noqa: F821

    touched = header + with_line + grown + created + archived + rewritten
    answer = {
        'header': header.id,
        'lineChanged': {'bc': with_line.id, 'line': line.id},
        'lineAdded': {'bc': grown.id, 'line': added.id},
        'created': created.id,
        'archived': archived.id,
        'rewritten': rewritten.ids,
        'all': sorted(touched.ids),
    }
    print(json.dumps(answer))


change()
