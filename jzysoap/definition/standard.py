"""Standard schemas that definitions import: never fetched, since zeep needs little of them.

Their hosts are not the gateway's, are slow on purpose (www.w3.org), or cannot be reached from a gateway's network.
"""

from __future__ import annotations

from collections.abc import Mapping

_XSD = "http://www.w3.org/2001/XMLSchema"

ENCODINGS: Mapping[str, str] = {
    "1.1": "http://schemas.xmlsoap.org/soap/encoding/",
    "1.2": "http://www.w3.org/2003/05/soap-encoding",
}


def standard_schema(url: str) -> bytes | None:
    """Return the substitute for a standard schema, by its address; None for any other address."""
    return _STANDARD.get(_without_scheme(url))


def _without_scheme(url: str) -> str:
    return url.partition("://")[2].rstrip("/").lower()


def _schema(namespace: str, content: str = "") -> bytes:
    return f'<schema xmlns="{_XSD}" xmlns:x="{_XSD}" targetNamespace="{namespace}">{content}</schema>'.encode()


def _attributes(*names: str) -> str:
    return "".join(f'<attribute name="{name}" type="x:string"/>' for name in names)


# Types that arguments may have. The real schema of SOAP encoding adds only attributes.
_ENCODED_TYPES = "".join(
    f'<simpleType name="{kind}"><restriction base="x:{kind}"/></simpleType>'
    for kind in (
        *("string", "normalizedString", "token", "anyURI", "boolean", "decimal", "float", "double"),
        *("integer", "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger"),
        *("unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte", "base64Binary", "hexBinary", "dateTime"),
    )
)
_XML = _schema("http://www.w3.org/XML/1998/namespace", _attributes("lang", "space", "base", "id"))
_MIME_TYPES = "".join(
    f'<complexType name="{kind}"><simpleContent><extension base="x:{kind}"/></simpleContent></complexType>'
    for kind in ("base64Binary", "hexBinary")
)
_STANDARD: Mapping[str, bytes] = {
    **{_without_scheme(namespace): _schema(namespace, _ENCODED_TYPES) for namespace in ENCODINGS.values()},
    **{
        _without_scheme(namespace): _schema(namespace)
        for namespace in (
            "http://schemas.xmlsoap.org/wsdl/",
            "http://schemas.xmlsoap.org/wsdl/soap/",
            "http://schemas.xmlsoap.org/wsdl/soap12/",
            "http://schemas.xmlsoap.org/wsdl/http/",
            "http://schemas.xmlsoap.org/wsdl/mime/",
            "http://schemas.xmlsoap.org/soap/envelope/",
            "http://www.w3.org/2003/05/soap-envelope",
        )
    },
    **{
        f"www.w3.org/{path}": _XML
        for path in (
            "2001/xml.xsd",
            "2001/03/xml.xsd",
            "2009/01/xml.xsd",
            "xml/1998/namespace",
            "xml/1998/namespace.xsd",
        )
    },
    **{
        f"www.w3.org/{version}/xmlmime": _schema(
            f"http://www.w3.org/{version}/xmlmime", _attributes("contentType", "expectedContentTypes") + _MIME_TYPES
        )
        for version in ("2004/11", "2005/05")
    },
    "ws-i.org/profiles/basic/1.1/swaref.xsd": _schema(
        "http://ws-i.org/profiles/basic/1.1/xsd",
        '<simpleType name="swaRef"><restriction base="x:anyURI"/></simpleType>',
    ),
}
