"""Clients that know nothing of this library: raw sockets, and envelopes written by hand."""

from __future__ import annotations

import base64
import socket
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from tests.kit.recordings import Message, parse_http
from tests.kit.soap import NAMESPACE, SOAP_11

PASSWORD = base64.b64encode(b"secret1").decode()


def connect(url: str) -> socket.socket:
    """A connection, for whatever bytes."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def is_ended(connection: socket.socket) -> bool:
    """Wait for the end of a connection: closed, or reset since the other side had not read all. True without a byte."""
    try:
        return read_all(connection) == b""
    except ConnectionResetError:
        return True


def talk(url: str, data: bytes) -> Message:
    """Send bytes, read the one reply until the server closes: the request has to ask for that."""
    with connect(url) as connection:
        connection.sendall(data)
        return parse_http(read_all(connection))


def envelope(operation: str, *, version: str = SOAP_11, namespace: str = NAMESPACE, **arguments: str) -> bytes:
    """An envelope, its arguments qualified; the credentials are those of the ``sandbox`` fixture unless given."""
    arguments = {"username": "test", "password": PASSWORD} | arguments
    inner = "".join(f"<m:{name}>{escape(value)}</m:{name}>" for name, value in arguments.items())
    return (
        f'<e:Envelope xmlns:e="{version}"><e:Body><m:{operation} xmlns:m="{namespace}">{inner}</m:{operation}></e:Body>'
        "</e:Envelope>"
    ).encode()


def post(path: str, body: bytes, *headers: str, version: str = "HTTP/1.1") -> bytes:
    """The bytes of a POST after which the server closes the connection."""
    lines = [f"POST {path} {version}", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body
