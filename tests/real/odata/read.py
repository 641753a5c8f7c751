"""Reads the whole feed with a client of PyPI and prints what the client made of it, as text that can be compared.

    read.py odatapy|python-odata SERVICE < TOKEN
"""

import datetime
import decimal
import json
import logging
import sys

logging.disable(logging.WARNING)


def text(value):
    """A value of the client's own types as the text that the test compares."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value.normalize() + 0, "f")
    if isinstance(value, float):
        raise SystemExit(f"a float came out: {value}")
    return str(value)


def of_odatapy(service, token):
    from odatapy.client.auth import BasicAuth
    from odatapy.client.client import EdmEnabledODataClient
    from odatapy.client.transport import HttpxTransport

    transport = HttpxTransport(auth=BasicAuth("bi", token), trust_env=False)
    client = EdmEnabledODataClient(service, transport)
    found = {}
    for name in client.get_service_document().entity_sets:
        rows = []
        for entity in client.iter_entities(client.entity_set_uri(name)):
            rows.append({prop.name: text(prop.value) for prop in entity.properties})
        if client.get_count(client.entity_set_uri(name).append_count_segment()) != len(rows):
            raise SystemExit(f"{name} counts otherwise")
        found[name] = rows
    return found


def of_python_odata(service, token):
    import requests
    from odata import ODataService

    session = requests.Session()
    session.trust_env = False
    session.auth = ("bi", token)
    # Else it reads decimals as floats.
    headers = {"Accept": "application/json;IEEE754Compatible=true"}
    hub = ODataService(service, reflect_entities=True, session=session, extra_headers=headers, quiet_progress=True)
    found = {}
    for name, entity in hub.entities.items():
        query = hub.query(entity)
        names = [prop["name"] for prop in entity.__odata_schema__["properties"]]
        rows = [{prop: text(getattr(row, prop)) for prop in names} for row in query]
        found[entity.__odata_collection__] = rows
    return found


client, service = sys.argv[1:3]
token = sys.stdin.readline().strip()
json.dump({"odatapy": of_odatapy, "python-odata": of_python_odata}[client](service, token), sys.stdout)
