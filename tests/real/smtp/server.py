"""An SMTP server (aiosmtpd) that keeps what it takes as files: N.eml as it came, N.json beside it with what
Python's own mail parser reads in it.

server.py FOLDER PORT none|starttls|implicit [USER PASSWORD]

What it refuses stands in FOLDER/refuse.json, read at each command: {"rcpt": "450 4.2.1 busy"} answers RCPT,
"data" answers the mail itself, "cut" ends the connection after the mail was taken, without an answer.
FOLDER/ca.pem is the authority of its certificate.
"""

import asyncio
import email
import email.policy
import json
import os
import ssl
import sys

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

folder, port, tls, *account = sys.argv[1:]


def refusal(command):
    try:
        with open(os.path.join(folder, "refuse.json")) as file:
            return json.load(file).get(command)
    except FileNotFoundError:
        return None


class Keeper:
    """Writes mails down."""

    taken = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        refused = refusal("rcpt")
        if refused:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        refused = refusal("data")
        if refused:
            return refused
        Keeper.taken += 1
        read = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        about = {
            "headers": [[name, str(value)] for name, value in read.items()],
            "text": read.get_content(), "kind": read.get_content_type(), "defects": [str(d) for d in read.defects],
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "hello": session.host_name,
            "tls": session.ssl is not None or tls == "implicit", "user": session.auth_data,
        }
        self.write(f"{Keeper.taken}.json", json.dumps(about).encode())
        self.write(f"{Keeper.taken}.eml", envelope.original_content)
        if refusal("cut"):
            server.transport.abort()
        return "250 OK"

    def write(self, name, content):
        path = os.path.join(folder, name)
        with open(path + ".new", "wb") as file:
            file.write(content)
        os.rename(path + ".new", path)


def authenticate(server, session, envelope, mechanism, data):
    given = [data.login.decode(), data.password.decode()]
    right = given == account
    # "handled" would mean that an answer was given already.
    return AuthResult(success=right, handled=right, auth_data=given[0])


async def main():
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(os.path.join(folder, "ca.pem"))
    wanted = {"hostname": "mail.hinoki-seiki.example", "enable_SMTPUTF8": False}
    if tls == "starttls":
        wanted |= {"tls_context": context, "require_starttls": True}
    if account:
        wanted |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": tls == "starttls"}
    loop = asyncio.get_running_loop()
    implicit = context if tls == "implicit" else None
    server = await loop.create_server(lambda: SMTP(Keeper(), **wanted), "127.0.0.1", int(port), ssl=implicit)
    await server.serve_forever()


asyncio.run(main())
