"""The proxies and certificate authorities that hold for a client, its options first, then the process's environment."""

from __future__ import annotations

import ipaddress
import os
import ssl
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret
from jzysoap.settings import checks
from jzysoap.settings.options import Config


def trusted(config: Config) -> bool | str:
    """Return the authorities that certificates are verified against, as requests takes them.

    Asked once for each client: requests would look at the environment at each call.
    """
    if config.verify is not True:
        return config.verify
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True


def find_tls_fault(config: Config, verify: bool | str) -> str:
    """Return what is wrong with the certificates that a client is to use; empty for nothing.

    Asked once TLS has failed: files may change while a client lives.

    Args:
        config: the client's options.
        verify: what ``trusted`` returned.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if isinstance(verify, str):
        variable = "REQUESTS_CA_BUNDLE" if os.environ.get("REQUESTS_CA_BUNDLE") else "CURL_CA_BUNDLE"
        name = variable if config.verify is True else "verify"
        try:
            folder = os.path.isdir(verify)
            context.load_verify_locations(cafile=None if folder else verify, capath=verify if folder else None)
        except OSError as error:
            return f"{name} is not a usable CA bundle ({verify}: {type(error).__name__})"
    if config.cert is not None:
        try:
            load_client_certificate(context, config.cert)
        except OSError as error:
            return f"cert is not a usable client certificate with its key ({config.cert}: {type(error).__name__})"
    return ""


def load_client_certificate(context: ssl.SSLContext, cert: str | tuple[str, str]) -> None:
    """Load a client certificate.

    Raises:
        OSError: the files are missing, or no certificate with its key; an encrypted key cannot be used.
    """
    certificate, key = (cert, None) if isinstance(cert, str) else cert
    # Without a password, OpenSSL would ask for that of an encrypted key at the terminal.
    context.load_cert_chain(certificate, key, password="")


def proxy_for(config: Config, url: str) -> str:
    """Return the address of the proxy for a URL, with its scheme; empty for none, as for loopback.

    Raises:
        ConfigurationError: the environment names a proxy that cannot be used.
    """
    if is_loopback(urlsplit(url).hostname or ""):
        return ""
    if config.proxies is not None:
        return select_proxy(url, dict(config.proxies)) or ""
    found = Secret(select_proxy(url, get_environ_proxies(url)) or "")
    try:
        return checks.proxy(found) if found else ""
    except ValueError as error:
        raise ConfigurationError(f"proxies are not given, and the environment's address {error}") from None


def is_loopback(host: str) -> bool:
    """Return True if a host is this machine; names are not resolved."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
