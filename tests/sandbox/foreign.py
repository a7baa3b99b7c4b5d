"""Requests without this library: raw sockets, and envelopes written by hand."""

from __future__ import annotations

import base64
import socket
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from tests.kit.recordings import Message, parse_http
from tests.kit.soap import NAMESPACE, SOAP_11

PASSWORD = base64.b64encode(b"secret1").decode()


def connect(url: str) -> socket.socket:
    """Return a connection to the server at an address."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)


def read_all(connection: socket.socket) -> bytes:
    """Return all bytes until the other side closes."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def is_ended(connection: socket.socket) -> bool:
    """Wait until the other side closes or resets a connection; return True if no byte came before."""
    try:
        return read_all(connection) == b""
    except ConnectionResetError:
        return True


def talk(url: str, data: bytes) -> Message:
    """Send a request that asks the server to close the connection, and return the reply."""
    with connect(url) as connection:
        connection.sendall(data)
        return parse_http(read_all(connection))


def envelope(operation: str, *, version: str = SOAP_11, namespace: str = NAMESPACE, **arguments: str) -> bytes:
    """Return an envelope with qualified arguments; the credentials are those of the ``sandbox`` fixture by default."""
    arguments = {"username": "test", "password": PASSWORD} | arguments
    inner = "".join(f"<m:{name}>{escape(value)}</m:{name}>" for name, value in arguments.items())
    return (
        f'<e:Envelope xmlns:e="{version}"><e:Body><m:{operation} xmlns:m="{namespace}">{inner}</m:{operation}></e:Body>'
        "</e:Envelope>"
    ).encode()


def post(path: str, body: bytes, *headers: str, version: str = "HTTP/1.1") -> bytes:
    """Return the bytes of a POST after which the server closes the connection."""
    lines = [f"POST {path} {version}", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body
