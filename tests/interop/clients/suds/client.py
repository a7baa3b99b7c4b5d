"""suds: python client.py WSDL USERNAME PASSWORD SOAP-VERSION (only 1.1)."""

from __future__ import annotations

import base64
import importlib.metadata
import os
import sys

from suds.client import Client


def show(operation: str, text: str) -> None:
    print(operation, base64.b64encode(text.encode()).decode(), sep="\t")  # noqa: T201  # this is what it is for


wsdl, username, password, _ = sys.argv[1:]
show("version", importlib.metadata.version("suds-community"))
client = Client(wsdl, cache=None)
client.set_options(port=next(port.name for port in client.wsdl.services[0].ports if "Soap11" in port.name))
message = [1, base64.b64decode(os.environ["INTEROP_TEXT"]).decode(), "13800000000", 0]
if os.environ.get("INTEROP_EXTENSION"):
    message.append(os.environ["INTEROP_EXTENSION"])
show("sendSms", client.service.sendSms(username, password, *message))
for name in ("getRestMoney", "getSmsReport", "getRecvSMS"):
    show(name, getattr(client.service, name)(username, password))
