"""Where a webhook may go: a channel must not make us knock on doors inside our own network.

An address is looked at twice: before an endpoint is added, to explain kindly, and at the moment of connecting, where the
very address that was checked is the one connected to, so that a name that changes its mind in between gains nothing.
"""

import socket
import threading
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.connection import create_connection

LONGEST_URL = 500
POOLED_HOSTS = 32
_TRANSLATED = ip_network("64:ff9b::/96")  # a gateway turns these into the IPv4 address in their last bytes
_OPEN_IPV6 = ip_network("2000::/3")  # all that is given out; what lies outside has no business on the open internet


class AddressRefused(OSError):
    """The address is one that webhooks must not reach."""


def fault_of(url: str, *, looks_up: bool = True) -> str | None:
    """Return why a webhook can't go to `url`, as a sentence, or None when it can.

    With `looks_up` it asks the network where the host name leads, which may take seconds and is not for transactions.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "This is not a valid address."
    if len(url) > LONGEST_URL:
        return f"An address has at most {LONGEST_URL} characters."
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "Give a full address that starts with https://."
    if parts.scheme == "http" and settings.PRODUCTION:
        return "Only https:// addresses get webhooks: the events would travel readable otherwise."
    if parts.username or parts.password or parts.fragment or any(sign.isspace() for sign in url):
        return "Give the address without user name, password, fragment or spaces."
    if settings.WEBHOOKS_MAY_REACH_PRIVATE_ADDRESSES:
        return None
    try:
        resolve(parts.hostname, port or 443, flags=0 if looks_up else socket.AI_NUMERICHOST)
    except AddressRefused as refused:
        return str(refused)
    except (OSError, UnicodeError):
        return f"The host name {parts.hostname} can't be found." if looks_up else None
    return None


def resolve(host: str, port: int, *, flags: int = 0) -> list[str]:
    """Return the addresses of a host, all of them permitted; `flags` are those of `getaddrinfo`.

    Raises: AddressRefused when one is private, loopback, link-local or otherwise not a public one; OSError when there
    is none.
    """
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)]
    if not settings.WEBHOOKS_MAY_REACH_PRIVATE_ADDRESSES:
        for address in found:
            if not is_public(address):
                raise AddressRefused(f"{host} leads to {address}, which is not a public address.")
    return list(dict.fromkeys(found))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet, also behind the disguises that IPv6 knows for IPv4."""
    ip: IPv4Address | IPv6Address = ip_address(address.split("%")[0])
    if isinstance(ip, IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _TRANSLATED:
            hidden = IPv4Address(int(ip) & 0xFFFF_FFFF)
        if hidden is not None:
            return is_public(str(hidden))
        if ip not in _OPEN_IPV6:
            return False
    return ip.is_global and not ip.is_multicast


def session() -> requests.Session:
    """Return a session that connects to checked addresses only, keeps connections, and ignores proxies and .netrc."""
    made = requests.Session()
    made.trust_env = False
    for scheme in ("http://", "https://"):
        made.mount(scheme, _GuardedAdapter(pool_connections=POOLED_HOSTS, max_retries=0))
    return made


_own = threading.local()


def sockets_here() -> WeakSet[socket.socket]:
    """Return the open sockets of this thread's sessions, so that another thread can `cut` an exchange that takes too long."""
    if not hasattr(_own, "sockets"):
        _own.sockets = WeakSet()
    found: WeakSet[socket.socket] = _own.sockets
    return found


def cut(sockets: WeakSet[socket.socket]) -> None:
    """End whatever is under way over these sockets: who waits for an answer gets an error at once."""
    with suppress(RuntimeError):  # their thread opens one just now: the next look finds that one, too
        for one in list(sockets):
            with suppress(OSError):
                socket.socket.shutdown(
                    one, socket.SHUT_RDWR
                )  # of the connection below TLS: that may be in use right now


def _connect(connection: Any) -> socket.socket:
    """Connect to the first of the host's checked addresses that answers."""
    failure: OSError | None = None
    for address in resolve(connection._dns_host, connection.port):
        try:
            return create_connection(
                (address, connection.port), connection.timeout, socket_options=connection.socket_options
            )
        except OSError as error:
            failure = error
    raise failure or OSError(f"{connection._dns_host} has no address.")


class _GuardedHTTPConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)

    def connect(self) -> None:
        super().connect()
        sockets_here().add(self.sock)


class _GuardedHTTPSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)

    def connect(self) -> None:
        super().connect()
        sockets_here().add(self.sock)


class _GuardedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _GuardedHTTPConnection


class _GuardedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _GuardedHTTPPool, "https": _GuardedHTTPSPool}
