"""What the process's environment says of proxies and certificates."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from jzysoap.model.errors import ConfigurationError
from jzysoap.model.masking import Secret
from jzysoap.settings import checks
from jzysoap.settings.options import Config


def trusted(config: Config) -> bool | str:
    """What certificates are verified against: settled once, since requests would ask the environment each time."""
    if config.verify is not True:
        return config.verify
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True


def proxy_for(config: Config, url: str) -> str:
    """The address of the proxy for another address, with its scheme; empty for none, as for loopback.

    Raises:
        ConfigurationError: the environment names one that cannot be used.
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
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
