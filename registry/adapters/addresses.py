"""To which addresses we connect.

A host is resolved once and the connection goes to that very address: a name that answers differently the second
time (DNS rebinding) gains nothing. Public addresses are for the registry, its token service and its blob redirects;
private and loopback ones only for hosts that somebody listed. Link-local (cloud metadata), multicast and unspecified
addresses are for nobody.
"""

import ipaddress
import os
import socket
import threading
import weakref
from collections import deque

from registry.adapters.settings import ConnectionSettings
from registry.errors import AddressRefused, RegistryUnavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_MOST_TWINS = 8  # connections of one client that a deadline can still end
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def plain(address: Address) -> Address:
    """The address that is meant: the IPv4 one inside ``::ffff:…``, 6to4 and NAT64 forms."""
    if not isinstance(address, ipaddress.IPv6Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo:
        return address.teredo[1]
    return address


def is_allowed(address: Address, *, may_be_private: bool) -> bool:
    """Whether we may connect there."""
    meant = plain(address)
    if meant.is_link_local or meant.is_multicast or meant.is_unspecified:
        return False
    if meant.is_global:
        return True
    return may_be_private and (meant.is_private or meant.is_loopback)


class AddressBook:
    """The addresses of one client's hosts, each looked up once, and the connections that are open to them."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings
        self._known: dict[tuple[str, int], str] = {}
        self._twins: deque[int] = deque()
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._twins)

    def address_of(self, host: str, port: int) -> str:
        """Where ``host`` is connected to. Raises AddressRefused; RegistryUnavailable when it has no address."""
        key = (host.lower().rstrip("."), port)
        if key not in self._known:
            self._known[key] = self._look_up(*key)
        return self._known[key]

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection, so that a deadline can end it.

        A second descriptor of the same connection: TLS and http.client hand the first one on, and hide it.
        """
        with self._lock:
            self._twins.append(os.dup(connection.fileno()))
            while len(self._twins) > _MOST_TWINS:
                os.close(self._twins.popleft())

    def cut(self) -> None:
        """End every open connection; whoever reads from one gets an error or the end at once."""
        with self._lock:
            while self._twins:
                twin = socket.socket(fileno=self._twins.popleft())
                try:
                    twin.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # closed by the other side already
                finally:
                    twin.close()

    def _look_up(self, host: str, port: int) -> str:
        bare = host.strip("[]")
        try:
            answers = socket.getaddrinfo(bare, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise RegistryUnavailable(
                f"{host} has no address: {error}.", cure="Check the host name and this machine's DNS."
            ) from error
        found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        may_be_private = self.settings.may_be_private(f"{bare}:{port}")
        for text in found:
            if is_allowed(ipaddress.ip_address(text.partition("%")[0]), may_be_private=may_be_private):
                return text
        raise AddressRefused(
            f"{host}:{port} leads to {', '.join(found[:4])}, which is no public address.",
            cure=f"If that is right, allow private addresses for this registry and list {host}:{port}.",
        )


def _close_all(twins: deque[int]) -> None:
    while twins:
        os.close(twins.popleft())
