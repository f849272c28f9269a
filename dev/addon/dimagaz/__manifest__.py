{
    'name': 'Dimagaz: bons de commande',
    'version': '1.0.0',
    'summary': 'Demo documents for Passerelle: a header, its lines and every field type. Odoo 14 to 19.',
    'category': 'Tools',
    'license': 'LGPL-3',
    'author': 'Passerelle',
    'depends': ['base'],
    'data': ['security/ir.model.access.csv', 'views/menu.xml'],
    'application': True,
}
