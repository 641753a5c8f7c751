"""A SAML identity provider for a test: pysaml2, which signs with xmlsec1.

    python provider.py FOLDER HOST PORT

FOLDER holds provider.key, provider.crt and what the test decides, which is read anew at each request: people.json
({LOGIN: {"password", "name", "mail", "groups"}}) and service.xml, the hub's metadata. It takes only signed requests.
It signs with SHA-256, because it has to be told so: SHA-1 is its default. Attributes are named by their OIDs.
"""

import html
import json
import pathlib
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server

FOLDER, HOST, PORT = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
BASE = f"http://{HOST}:{PORT}"
SIGNING = {
    "sign_alg": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "digest_alg": "http://www.w3.org/2001/04/xmlenc#sha256",
}
FORM = """<!doctype html><html lang="en"><title>Sign in</title>
<form method="post" action="{}"><input id="username" name="username">
<input id="password" name="password" type="password"><button>Sign in</button></form></html>"""


def config():
    service = FOLDER / "service.xml"
    policy = {"lifetime": {"minutes": 5}, "attribute_restrictions": None, "name_form": NAME_FORMAT_URI}
    made = IdPConfig()
    made.load(
        {
            "entityid": f"{BASE}/metadata",
            "key_file": str(FOLDER / "provider.key"),
            "cert_file": str(FOLDER / "provider.crt"),
            "metadata": {"local": [str(service)]} if service.exists() else {},
            "service": {
                "idp": {
                    "endpoints": {"single_sign_on_service": [(f"{BASE}/sso", BINDING_HTTP_REDIRECT)]},
                    "policy": {"default": policy},
                    "want_authn_requests_signed": True,
                }
            },
        }
    )
    return made


def answer(query, login, person):
    """The page that posts a person's answer to the hub."""
    idp = Server(config=config())
    asked = idp.parse_authn_request(
        query["SAMLRequest"],
        BINDING_HTTP_REDIRECT,
        relay_state=query.get("RelayState"),
        sigalg=query.get("SigAlg"),
        signature=query.get("Signature"),
    )
    to = idp.response_args(asked.message)
    said = {"displayName": person["name"], "mail": person["mail"], "eduPersonEntitlement": person["groups"]}
    response = idp.create_authn_response(
        said,
        userid=login,
        name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=login),
        authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": BASE},
        sign_assertion=True,
        sign_response=True,
        in_response_to=to["in_response_to"],
        destination=to["destination"],
        sp_entity_id=to["sp_entity_id"],
        **SIGNING,
    )
    return idp.apply_binding(BINDING_HTTP_POST, str(response), to["destination"], "", response=True)["data"]


class Pages(BaseHTTPRequestHandler):
    def page(self, text, kind="text/html; charset=utf-8"):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        if path == "/metadata":
            self.page(str(entity_descriptor(config())), "application/samlmetadata+xml")
        elif path == "/sso":
            self.page(FORM.format(html.escape(self.path)))
        else:
            self.send_error(404)

    def do_POST(self):
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(sent))
        login = form.get("username", "")
        person = json.loads((FOLDER / "people.json").read_text()).get(login)
        if person is None or person["password"] != form.get("password"):
            self.page(FORM.format(html.escape(self.path)))
            return
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        self.page(answer(query, login, person))


ThreadingHTTPServer((HOST, PORT), Pages).serve_forever()
