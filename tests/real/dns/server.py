"""A name server (dnslib) for TXT records: server.py FOLDER PORT

What it knows stands in FOLDER/zone.json, read at each question: {"hinoki-seiki.example": ["text", ...]}. Names that are
not there do not exist.
"""

import json
import os
import sys
import threading

from dnslib import QTYPE, RCODE, RR, TXT
from dnslib.server import BaseResolver, DNSLogger, DNSServer

folder, port = sys.argv[1:]


class Zone(BaseResolver):
    def resolve(self, request, handler):
        answer, name = request.reply(), str(request.q.qname).rstrip(".").lower()
        with open(os.path.join(folder, "zone.json")) as file:
            texts = json.load(file).get(name)
        if texts is None:
            answer.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.TXT:
            for text in texts:
                # A record holds pieces of at most 255 bytes.
                pieces = [text.encode()[at:at + 255] for at in range(0, len(text), 255)]
                answer.add_answer(RR(name, QTYPE.TXT, ttl=60, rdata=TXT(pieces)))
        return answer


for tcp in (False, True):
    logger = DNSLogger("-request,-reply,-truncated")
    DNSServer(Zone(), port=int(port), address="127.0.0.1", tcp=tcp, logger=logger).start_thread()
threading.Event().wait()
