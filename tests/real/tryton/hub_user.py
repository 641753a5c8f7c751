"""The user that the hub works as in Tryton, with as little as its work needs: a key for REST, and a
password for the session protocol, by which changes of parties are locked."""

import secrets

from proteus import Model
from trytond.model import ModelSQL
from trytond.pool import Pool
from trytond.transaction import Transaction

LOGIN = "musubi"

# What the hub writes: customers and what hangs on them. It never deletes.
WRITES = ["party.party", "party.address", "party.contact_mechanism", "party.identifier"]
# What the hub reads and only who is in some group of Tryton's modules could read.
READS = [
    "sale.sale",
    "sale.line",
    "account.invoice",
    "account.invoice.line",
    "account.invoice.tax",
    "account.move.line",
    "account.move.reconciliation",
    "product.template",
    "product.product",
    "stock.shipment.out",
    "stock.move",
]


def create(database: str, company) -> tuple[str, str]:
    """Makes group and user; returns the user's key and password."""
    group = Model.get("res.group")(name="Musubi 連携（見本）")
    group.save()
    for name in WRITES + READS:
        allow(group, name, writes=name in WRITES)
    password = secrets.token_urlsafe(18)
    user = Model.get("res.user")(name="Musubi（見本）", login=LOGIN, password=password)
    user.groups.append(group)
    own = Model.get("company.company")(company.id)
    user.companies.append(own)
    user.company = own
    user.save()
    for name in left_open(database, user.id):
        allow(group, name, writes=False)
    application = Model.get("res.user.application")(user=user, application="rest")
    application.save()
    return application.key, password


def allow(group, model: str, writes: bool) -> None:
    Model.get("ir.model.access")(
        model=model, group=group, perm_read=True, perm_write=writes, perm_create=writes, perm_delete=False
    ).save()


def left_open(database: str, user: int) -> list[str]:
    """What this user could change all the same: a model that no rule of access names is open to
    everybody, the one that puts users into groups among them."""
    with Transaction().start(database, user, readonly=True):
        pool = Pool()
        stored = [name for name, model in pool.iterobject() if issubclass(model, ModelSQL)]
        access = pool.get("ir.model.access").get_access(stored)
    may = {name: access[name] for name in stored if name not in WRITES and access[name]["read"]}
    return sorted(name for name in may if any(may[name][change] for change in ("write", "create", "delete")))
