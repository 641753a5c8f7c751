"""Writes the sample company into an empty Tryton database, as its people would have."""

import datetime
from decimal import Decimal
from pathlib import Path

from proteus import Model, Wizard
from proteus import config as proteus_config
from trytond import config as trytond_config
from trytond.modules.account.tests.tools import create_chart, get_accounts
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company

import hub_user
import sample

HUB_USER = hub_user.LOGIN


def write(database: str, config_file: Path, today: datetime.date) -> tuple[str, str]:
    """Writes everything; returns the key with which the hub's user calls REST, and its password."""
    # Warnings ask a person whether to go on; here nobody would answer.
    proteus_config.set_trytond(database, config_file=str(config_file)).skip_warning = True
    japan = country()
    company = own_company(japan)
    for year in years(today):
        fiscal_year(company, year)
    accounts = get_accounts(company)
    categories = tax_categories(accounts)
    goods = [article(good, categories[good.rate]) for good in sample.GOODS]
    term = payment_term()
    customers = [customer(entry, japan, term) for entry in sample.CUSTOMERS]
    method = payment_method(accounts["cash"])
    sales = [trade(entry, today, customers[entry.customer], goods, method) for entry in sample.SALES]
    credit(sales[sample.CREDITED_SALE], today, sample.CREDITED_QUANTITY)
    close_inactive(customers)
    return hub_user.create(database, company)


def country():
    """Japan with the prefectures that are needed: the lists of countries are a download of their own."""
    japan = Model.get("country.country")(name="日本", code="JP", code3="JPN", code_numeric="392")
    japan.save()
    prefecture = Model.get("country.subdivision")
    for name, code in sample.PREFECTURES.items():
        prefecture(country=japan, name=name, code=code, type="prefecture").save()
    return japan


def own_company(japan):
    """The company that sells, in yen and in Japan's time, with a chart of accounts."""
    yen = Model.get("currency.currency")(
        name="日本円", symbol="¥", code="JPY", numeric_code="392", rounding=Decimal(1), digits=0
    )
    yen.rates.new(date=datetime.date(2000, 1, 1), rate=Decimal(1))
    yen.save()
    party = Model.get("party.party")(name=sample.COMPANY)
    fill_address(only_address(party), japan, ("420-0900", "静岡県", "静岡市", "見晴台1-1"))
    party.identifiers.new(type="jp_vat", code=sample.corporate_number(sample.COMPANY_SERIAL))
    party.save()
    create_company(party, yen)
    company, = Model.get("company.company").find()
    company.timezone = "Asia/Tokyo"
    company.save()
    create_chart(company)
    return company


def years(today: datetime.date) -> list[int]:
    """The years whose books must be open: from the first sale to some weeks ahead, because the
    database is kept for a month."""
    first = today - datetime.timedelta(days=sample.SALES[0].days)
    return sorted({first.year, today.year, (today + datetime.timedelta(days=32)).year})


def fiscal_year(company, year: int) -> None:
    """The books of one year, by month."""
    sequence_type, = Model.get("ir.sequence.type").find([("name", "=", "Account Move")], limit=1)
    moves = Model.get("ir.sequence.strict")(name=str(year), sequence_type=sequence_type, company=company)
    moves.save()
    books = Model.get("account.fiscalyear")(name=str(year), company=company, move_sequence=moves)
    books.start_date, books.end_date = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
    set_fiscalyear_invoice_sequences(books)
    numbers = books.invoice_sequences[0].out_invoice_sequence
    # Invoices are numbered anew every year.
    numbers.prefix, numbers.padding = f"{year}-", 5
    numbers.save()
    books.click("create_period")


def tax_categories(accounts) -> dict:
    """Consumption tax (消費税) by rate, each with the category of goods that carries it."""
    categories = {}
    for rate in sorted({good.rate for good in sample.GOODS}):
        tax = Model.get("account.tax")(name=f"消費税 {rate}%", description=f"消費税 {rate}%", type="percentage")
        tax.rate = Decimal(rate) / 100
        tax.invoice_account = tax.credit_note_account = accounts["tax"]
        tax.save()
        category = Model.get("product.category")(name=f"課税売上 {rate}%", accounting=True)
        category.account_revenue, category.account_expense = accounts["revenue"], accounts["expense"]
        category.customer_taxes.append(tax)
        category.save()
        categories[rate] = category
    return categories


def article(good: sample.Good, category):
    """A product as it is sold: the template with its single variant."""
    unit, = Model.get("product.uom").find([("name", "=", "Unit")])
    template = Model.get("product.template")(name=good.name, code=good.code, default_uom=unit, salable=True)
    template.type = "service" if good.service else "goods"
    template.list_price = Decimal(good.price)
    template.account_category = category
    template.save()
    return template.products[0]


def payment_term():
    """月末締め翌月末払い: due at the end of the next month."""
    term = Model.get("account.invoice.payment_term")(name="月末締め翌月末払い")
    term.lines.new(type="remainder").relativedeltas.new(months=1, day=31)
    term.save()
    return term


def payment_method(cash):
    """How customers pay: one account is enough for a sample."""
    journal, = Model.get("account.journal").find([("type", "=", "cash")])
    method = Model.get("account.invoice.payment.method")(name="銀行振込", journal=journal)
    method.credit_account = method.debit_account = cash
    method.save()
    return method


def customer(entry: sample.Customer, japan, term):
    """A party with its addresses, numbers and ways to reach it."""
    party = Model.get("party.party")(name=entry.name)
    party.customer_payment_term = term
    address = only_address(party)
    address.invoice = True
    fill_address(address, japan, (entry.postal_code, entry.prefecture, entry.city, entry.street))
    if entry.delivery:
        fill_address(party.addresses.new(delivery=True), japan, entry.delivery)
    party.contact_mechanisms.new(type="phone", value=entry.phone)
    party.contact_mechanisms.new(type="email", value=entry.email)
    if entry.serial is not None:
        party.identifiers.new(type="jp_vat", code=sample.corporate_number(entry.serial))
    party.save()
    return party


def only_address(party):
    """A new party has one empty address or none."""
    return party.addresses[0] if party.addresses else party.addresses.new()


def fill_address(address, japan, place: tuple[str, str, str, str]) -> None:
    postal_code, prefecture, address.city, street = place
    address.postal_code, address.country = postal_code, japan
    address.subdivision, = Model.get("country.subdivision").find([("name", "=", prefecture)])
    address.street_unstructured = street


def trade(entry: sample.Sale, today: datetime.date, party, goods: list, method):
    """One sale, as far as it got."""
    day = today - datetime.timedelta(days=entry.days)
    sale = Model.get("sale.sale")(party=party, sale_date=day, reference=f"注文 {day:%y%m}-{entry.customer + 1:03}")
    for place, quantity in entry.lines:
        # The line must belong to the sale before it has a product, else it finds no taxes.
        line = sale.lines.new()
        line.product, line.quantity = goods[place], quantity
    if entry.remark:
        remark = sale.lines.new(type="comment")
        remark.description = entry.remark
    if entry.discount:
        reduce(sale, entry.discount)
    sale.save()
    if entry.end == "draft":
        return sale
    sale.click("quote")
    if entry.end == "quotation":
        return sale
    # Confirmed sales are processed by a task. With a worker that does not exist it stays undone.
    trytond_config.set("queue", "worker", str(entry.end == "confirmed"))
    sale.click("confirm")
    if entry.end == "confirmed":
        return sale
    if entry.shipped:
        ship(sale, day + datetime.timedelta(days=3))
    if entry.end == "processing":
        return sale
    for invoice in sale.invoices:
        invoice.invoice_date = day + datetime.timedelta(days=4)
        invoice.click("post")
        if entry.end in ("paid", "part_paid"):
            pay(invoice, day + datetime.timedelta(days=40), method, entry.end == "part_paid")
    return sale


def reduce(sale, yen: int) -> None:
    """A discount (値引き) in words: a line without a product, taxed as the first line is."""
    line = sale.lines.new()
    line.description, line.quantity, line.unit_price = "お値引き", 1, Decimal(-yen)
    line.unit = sale.lines[0].unit
    line.taxes.extend(Model.get("account.tax").find([("id", "=", tax.id) for tax in sale.lines[0].taxes]))


def ship(sale, day: datetime.date) -> None:
    """Sends the goods, from a store that is never counted."""
    for shipment in sale.shipments:
        shipment.effective_date = day
        shipment.save()
        for action in ("assign_force", "pick", "pack", "do"):
            shipment.click(action)


def pay(invoice, day: datetime.date, method, half: bool) -> None:
    """The customer's payment, which Tryton reconciles with the invoice."""
    wizard = Wizard("account.invoice.pay", [invoice])
    if half:
        wizard.form.amount = Decimal(int(invoice.total_amount) // 2)
    wizard.form.payment_method = method
    wizard.form.date = day
    wizard.execute("choice")
    if half:
        wizard.form.type = "partial"
        wizard.execute("pay")


def credit(sale, today: datetime.date, quantity: int) -> None:
    """A credit note (赤伝): some of what the sale's invoice asks for is taken back."""
    wizard = Wizard("account.invoice.credit", [Model.get("account.invoice")(sale.invoices[0].id)])
    wizard.form.with_refund = False
    wizard.execute("credit")
    note, = wizard.actions[0]
    note.reference, note.invoice_date = "返品分", today
    note.lines[0].quantity = -quantity
    note.save()
    note.click("post")


def close_inactive(customers: list) -> None:
    """Parties that are not traded with any more."""
    for entry, party in zip(sample.CUSTOMERS, customers, strict=True):
        if not entry.active:
            party.active = False
            party.save()
