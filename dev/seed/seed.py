"""Fills the add-on `dimagaz` with believable, repeatable data. Runs in `odoo shell`, on Odoo 14 to 19.

    odoo shell -d DB --no-http < dev/seed/seed.py
    (echo 'SEED_BC = 3000'; cat dev/seed/seed.py) | odoo shell -d DB --no-http

`SEED_BC`, a line above or an environment variable, is how many BC there shall be (10,000); each has 5.2
lines on average. A second run does nothing; a run with a larger number adds what is missing. The content
of BC number n depends on n alone.
"""
import base64
import os
import random
import struct
import time
import zlib
from datetime import datetime, timedelta

BC = env['dimagaz.bc'].with_context(active_test=False)  # noqa: F821, odoo shell gives `env`
TOTAL = int(globals().get('SEED_BC') or os.environ.get('SEED_BC') or 10_000)
BATCH = 500
# Fixed, so that the seed is the same on every day. The past, so that an incremental run finds none of it.
FIRST_DAY = datetime(2024, 1, 8, 7, 0, 0)
SPAN_SECS = 900 * 24 * 3600
# The rare ones: {BC number: lines}.
ODD_LINE_COUNTS = {3: 0, 4: 1, 42: 120, 300: 260}

CITIES = ['Besançon', 'Nîmes', 'Saint-Étienne', 'Orléans', 'Fécamp', 'Béziers', 'Évreux', 'Angoulême', 'Sète']
TRADES = ['Fournitures', 'Matériaux', 'Électricité', 'Quincaillerie', 'Boulangerie', 'Imprimerie', 'Brosserie']
FAMILIES = ['Lefèvre', 'Garçon', 'Noël', 'Müller', 'Bœuf', 'Açoka', "L'Hôte", 'Dupré & Fils', 'Étienne', 'Hervé']
THINGS = ['Câble', 'Vis à tête fraisée', 'Pâte à bois', 'Chaîne', 'Écrou', 'Fût', 'Gaine', 'Équerre', 'Bâche', 'Œillet']
FINISHES = ['acier', 'laiton', 'inox 316', 'chêne', 'hêtre', 'galvanisé', '½ pouce', '1,5 mm²']
TAGS = ['Urgent', 'À vérifier', 'Chantier', 'Stock', 'Fragile ⚠️', 'Été', 'Export', 'Réassort']
REMARKS = [
    'Livrer avant 8 h, sonner deux fois.',
    'Rappeler Mme Lefèvre : remise accordée « sous réserve » 🙂',
    'Balises <b>à garder</b> & esperluette, "guillemets" et \'apostrophes\'.',
    'Deux lignes :\n  - quai nº 3\n  - quai nº 4\tporte B',
    'Prix négocié à 1 250,00 € HT 🚚📦 — voir devis ≥ 2025',
    'Caractère de contrôle collé depuis un vieux logiciel : \x0b et \x1f, puis la suite.',
    'Famille 👩‍👩‍👧‍👦, drapeau 🇫🇷, arabe مرحبا, chinois 采购订单, e accent combinant e\u0301.',
]
TERMS = [
    '<p>Paiement à <strong>30 jours</strong> fin de mois.</p>',
    '<ul><li>Franco de port dès 500&nbsp;€</li><li>Retour sous 14 jours</li></ul>',
    '<p>Règlement à réception &amp; escompte de 2&nbsp;% &lt;&lt; voir CGV &gt;&gt;</p>',
]
STATES = ['draft', 'sent', 'confirmed', 'confirmed', 'done', 'done', 'done', 'cancel']
UOMS = ['unit', 'unit', 'unit', 'kg', 'm', 'l', 'h']


def picture(seed):
    """A small PNG of one colour, as base64."""

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    rows = (b'\0' + struct.pack('>I', seed * 7919 % 2**24)[1:] * 16) * 16
    png = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 16, 16, 8, 2, 0, 0, 0))
    return base64.b64encode(png + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')).decode()


def scan(number):
    """A text that calls itself a PDF, as base64; one of them is 300 kB long."""
    length = 300_000 if number == 100 else 2_000
    return base64.b64encode((b'%%PDF-1.4 BC %d\n' % number * length)[:length]).decode()


def once(model, names, values):
    """The records of `model` with these names, created where they are missing, in the order of `names`."""
    records = env[model].with_context(active_test=False)  # noqa: F821
    found = {record.name: record.id for record in records.search([('name', 'in', names)])}
    missing = [(index, name) for index, name in enumerate(names) if name not in found]
    created = records.create([dict(values(index), name=name) for index, name in missing])
    found.update({record.name: record.id for record in created})
    return [found[name] for name in names]


def reference_data():
    suppliers = ['%s %s, %s' % (TRADES[i % 7], FAMILIES[i // 7 % 10], CITIES[i % 9]) for i in range(210)]
    goods = ['%s %s nº %d' % (THINGS[i % 10], FINISHES[i // 10 % 8], i) for i in range(400)]
    return {
        'partners': once('res.partner', suppliers, lambda i: {'is_company': True, 'city': CITIES[i % 9]}),
        'tags': once('dimagaz.tag', TAGS, lambda i: {'color': i % 12}),
        'products': once('dimagaz.product', goods, lambda i: {'code': 'ART-%04d' % i, 'price': 1.25 + i * 0.37}),
    }


def line_values(number, rank, draw, known, ordered):
    product = draw.randrange(len(known['products']))
    delivered = draw.random() < 0.6
    return {
        'sequence': rank * 10,
        'active': draw.random() >= 0.02,
        'product_id': known['products'][product] if draw.random() < 0.9 else False,
        'name': '%s %s' % (THINGS[product % 10], FINISHES[product // 10 % 8]),
        'quantity': draw.choice([1, 2, 3, 10, 12.5, 0.125, 250]),
        'uom': draw.choice(UOMS),
        'price_unit': round(1.25 + product * 0.37, 4),
        'discount': draw.choice([0, 0, 0, 5, 12.5, 33.33]),
        'delivery_date': (ordered + timedelta(days=draw.randrange(3, 40))).date() if delivered else False,
        'delivered': delivered,
        'note': draw.choice(REMARKS) if draw.random() < 0.1 else False,
        'photo': picture(number * 1000 + rank) if number % 400 == 0 and rank == 1 else False,
    }


def bc_values(number, known):
    draw = random.Random(number)
    ordered = FIRST_DAY + timedelta(seconds=number * 7_776 % SPAN_SECS + draw.randrange(3600))
    lines = ODD_LINE_COUNTS.get(number, draw.choice([1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 8, 11]))
    with_scan = number % 250 == 100
    return {
        'name': 'BC%06d' % number,
        'active': draw.random() >= 0.03,
        'partner_id': draw.choice(known['partners']) if draw.random() < 0.98 else False,
        'date_order': ordered,
        'date_planned': (ordered + timedelta(days=draw.randrange(1, 60))).date() if draw.random() < 0.8 else False,
        'state': draw.choice(STATES),
        'discount_rate': draw.choice([0, 0, 0.05, 0.1234, 1 / 3]),
        'priority': draw.randrange(4),
        'urgent': draw.random() < 0.1,
        'notes': draw.choice(REMARKS) if draw.random() < 0.3 else False,
        'terms': draw.choice(TERMS) if draw.random() < 0.5 else False,
        'tag_ids': [(6, 0, draw.sample(known['tags'], draw.randrange(4)))],
        'scan': scan(number) if with_scan else False,
        'scan_name': 'scan-%d.pdf' % number if with_scan else False,
        'source_ref': 'res.partner,%d' % draw.choice(known['partners']) if draw.random() < 0.2 else False,
        'origin_model': 'res.partner' if number % 10 == 0 else False,
        'origin_id': draw.choice(known['partners']) if number % 10 == 0 else False,
        'line_ids': [(0, 0, line_values(number, rank, draw, known, ordered)) for rank in range(1, lines + 1)],
    }


# A BC is written up to two days after its order, at any microsecond; its lines at the same moment.
AGE_BC = """update dimagaz_bc set create_date = date_order, write_date = date_order
    + mod(id, 172800) * interval '1 second' + mod(id * 7919, 1000000) * interval '1 microsecond'
    where id in %s"""
AGE_LINE = """update dimagaz_bc_line l set create_date = bc.create_date, write_date = bc.write_date
    from dimagaz_bc bc where bc.id = l.bc_id and bc.id in %s"""


def seed():
    started = time.time()
    known = reference_data()
    present = set(BC.search([('name', '=like', 'BC%')]).mapped('name'))
    missing = [number for number in range(1, TOTAL + 1) if 'BC%06d' % number not in present]
    for start in range(0, len(missing), BATCH):
        made = BC.create([bc_values(number, known) for number in missing[start : start + BATCH]])
        env.cr.commit()  # noqa: F821, Odoo writes what it still holds back before it is aged
        env.cr.execute(AGE_BC, [tuple(made.ids)])  # noqa: F821
        env.cr.execute(AGE_LINE, [tuple(made.ids)])  # noqa: F821
        env.cr.commit()  # noqa: F821
        env.clear()  # noqa: F821, else the cache grows with every batch
    lines = env['dimagaz.bc.line'].with_context(active_test=False).search_count([])  # noqa: F821
    print(
        'seed: %d BC added in %.0f s; %d BC and %d lines in all'
        % (len(missing), time.time() - started, BC.search_count([]), lines)
    )


seed()
