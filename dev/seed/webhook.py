"""Has Odoo (17 or newer) tell Passerelle of each BC and line that is created, changed or deleted.

    (echo 'HOOK_URL = "https://passerelle.example.com/hooks/odoo?secret=..."'; cat dev/seed/webhook.py) | odoo shell -d DB --no-http

Needs the module `base_automation`. Runs again, it brings what it made up to date and makes nothing twice.
`HOOK_MODELS` names other models; `HOOK_URL = None` removes the rules.
"""

MODELS = globals().get('HOOK_MODELS', ['dimagaz.bc', 'dimagaz.bc.line'])
TRIGGERS = {'on_create_or_write': 'written', 'on_unlink': 'deleted'}


def tell_passerelle():
    Rule = env['base.automation'].with_context(active_test=False)  # noqa: F821, odoo shell gives `env`
    for model in env['ir.model'].search([('model', 'in', MODELS)]):  # noqa: F821
        for trigger, word in TRIGGERS.items():
            name = 'Passerelle: %s %s' % (model.model, word)
            rule = Rule.search([('name', '=', name)])
            rule.action_server_ids.unlink()
            if HOOK_URL is None:  # noqa: F821, given above
                rule.unlink()
                continue
            action = {
                'name': name,
                'model_id': model.id,
                'state': 'webhook',
                'webhook_url': HOOK_URL,  # noqa: F821
                'usage': 'base_automation',
            }
            values = {
                'name': name,
                'model_id': model.id,
                'trigger': trigger,
                'active': True,
                'action_server_ids': [(0, 0, action)],
            }
            rule.write(values) if rule else rule.create(values)
            print(name)
    env.cr.commit()  # noqa: F821
    # Running servers take the rules up from now on. What is done in the web client is signalled by itself.
    env.registry.signal_changes()  # noqa: F821


tell_passerelle()
