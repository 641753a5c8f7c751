#!/usr/bin/env python3
"""Makes a Tryton on PostgreSQL with the sample company and many more sales, to measure on.

    many.py URI COUNT

URI is an empty database: `postgresql://user@127.0.0.1:5432/hub`. COUNT sales of COUNT // 4 more
customers are written by Tryton's own code, in its own process and fifty in a transaction: quoted,
confirmed, invoiced and posted, every second invoice paid. Prints what a client needs, as `seed.py`
does. Wants `trytond[postgresql]` beside the packages of requirements.txt.
"""

import datetime
import json
import os
import secrets
import sys
import tempfile
import urllib.parse
from pathlib import Path

# The folder is part of the source tree.
sys.dont_write_bytecode = True

import sample
import seed

AT_A_TIME = 50
COMPANY = 1


def main() -> None:
    uri, count = sys.argv[1], int(sys.argv[2])
    # The client that writes the sample company looks for the server here.
    os.environ["TRYTOND_DATABASE_URI"] = uri
    database = urllib.parse.urlparse(uri).path.strip("/")
    password = secrets.token_urlsafe(18)
    with tempfile.TemporaryDirectory() as folder:
        config = seed.install(Path(folder), password, uri, database)
        import books

        key = books.write(database, config, seed.today())
        trade(database, count)
    print(json.dumps({"database": database, "admin": "admin", "password": password, "key": key}))


def trade(database: str, count: int) -> None:
    """All sales, in steps that a person can watch."""
    from trytond import config
    from trytond.pool import Pool
    from trytond.worker import run_task

    # A task then comes back from the transaction that wants it.
    config.set("queue", "worker", "False")

    pool = Pool(database)
    parties, _ = inside(pool, customers, count // 4)
    for first in range(0, count, AT_A_TIME):
        chosen = range(first, min(first + AT_A_TIME, count))
        made, tasks = inside(pool, sell, chosen, parties)
        # After its transaction Tryton makes a confirmed sale's shipment and invoice.
        for task in tasks:
            run_task(database, task)
        # What it would do for each posted invoice only looks whether the sale is done, which none is.
        inside(pool, bill, made)
        print(f"{chosen.stop} sales", file=sys.stderr)


def inside(pool, work, *arguments):
    """What work returns, done in one transaction as the administrator, and the tasks it left."""
    from trytond.transaction import Transaction, TransactionError

    with Transaction().start(pool.database_name, 0, readonly=True):
        admin, = pool.get("res.user").search([("login", "=", "admin")])
    extras = {}
    while True:
        context = {"company": COMPANY, "_skip_warnings": True}
        with Transaction().start(pool.database_name, admin.id, context=context, **extras) as transaction:
            try:
                return work(pool, *arguments), transaction.tasks
            except TransactionError as error:
                # It wants to begin with a lock that it found it needs.
                transaction.rollback()
                error.fix(extras)


def customers(pool, count: int) -> list[int]:
    """Firms with an address, a telephone number and a mail address each."""
    party, japan = pool.get("party.party"), pool.get("country.country").search([("code", "=", "JP")])[0].id
    term, = pool.get("account.invoice.payment_term").search([("name", "=", "月末締め翌月末払い")])
    prefectures = pool.get("country.subdivision").search([("country", "=", japan)])
    values = []
    for number in range(count):
        place = prefectures[number % len(prefectures)]
        address = {
            "country": japan, "subdivision": place.id, "city": f"見本{number % 40}市", "invoice": True,
            "postal_code": f"{100 + number % 800:03}-{number % 10_000:04}", "street_unstructured": f"試験町{number}-1",
        }
        ways = [("phone", f"090-000-{number:04}"), ("email", f"info@firm{number}.example")]
        values.append({
            "name": f"見本商会{number:04}株式会社", "customer_payment_term": term.id,
            "addresses": [("create", [address])],
            "contact_mechanisms": [("create", [{"type": kind, "value": value} for kind, value in ways])],
        })
    return [made.id for made in party.create(values)]


def sell(pool, chosen: range, parties: list[int]) -> list[int]:
    """Confirmed sales of one to three lines."""
    sale, line = pool.get("sale.sale"), pool.get("sale.line")
    goods = pool.get("product.product").search([("salable", "=", True)], order=[("id", "ASC")])
    oldest = sample.SALES[0].days
    made = []
    for number in chosen:
        day = seed.today() - datetime.timedelta(days=number * 7 % oldest)
        one = sale(company=COMPANY, party=parties[number % len(parties)], sale_date=day, reference=f"注文 {number}")
        one.on_change_party()
        lines = []
        for place in range(1 + number % 3):
            product = goods[(number + place) % len(goods)]
            item = line(type="line", sale=one, product=product, quantity=1 + number % 20)
            item.on_change_product()
            item.on_change_quantity()
            lines.append(item)
        one.lines = lines
        made.append(one)
    sale.save(made)
    sale.quote(made)
    sale.confirm(made)
    return [one.id for one in made]


def bill(pool, made: list[int]) -> None:
    """Posts the invoices, as of today because their numbers follow the days; of two customers one pays."""
    invoice = pool.get("account.invoice")
    method, = pool.get("account.invoice.payment.method").search([])
    invoices = invoice.search([("sales", "in", made)])
    invoice.post(invoices)
    for one in [one for one in invoices if one.id % 2]:
        owed = [line for line in one.lines_to_pay if not line.reconciliation]
        paid = one.pay_invoice(one.amount_to_pay, method, seed.today())
        pool.get("account.move.line").reconcile(owed + list(paid))


if __name__ == "__main__":
    main()
