"""Whether a source may be fetched from where it says, asked again at each fetch."""

import ipaddress
import socket
from pathlib import Path

from builds.adapters.git import GitSettings, Where
from builds.domain.source_url import DEFAULT_PORTS, SourceUrl, Transport, is_listed, parse_url
from builds.errors import SourceRefused, SourceUnavailable
from registry.adapters.addresses import is_allowed


def place_problem(url: SourceUrl, allowed: GitSettings) -> str:
    """Why nobody may fetch from there, in words with the cure; "" when they may. Looks at the disk, at no network."""
    if url.transport is Transport.LOCAL:
        real = Path(url.path).resolve()
        listed = [Path(one).resolve() for one in allowed.directories]
        if any(real.is_relative_to(one) and real != one for one in listed):
            return ""
        return "It is not below a listed directory: the operator lists those in GOLDGATE_SOURCE_DIRECTORIES."
    if is_listed(url.authority, (*allowed.hosts, *allowed.private_hosts), default_port=DEFAULT_PORTS[url.transport]):
        return ""
    return f"{url.authority} is not a listed host: the operator lists those in GOLDGATE_SOURCE_HOSTS."


def place(text: str, *, known_hosts: str, allowed: GitSettings) -> Where:
    """Where to connect: the name is looked up once, and git is told the address.

    Raises: SourceRefused (not listed, or the host leads to an address that nobody may reach); SourceUnavailable.
    """
    try:
        url = parse_url(text)
    except ValueError as error:
        raise SourceRefused(str(error), cure="Change the source's address.") from None
    if problem := place_problem(url, allowed):
        raise SourceRefused(f"{text} is not fetched from.", cure=problem)
    if url.transport is Transport.LOCAL:
        # The real path: what was judged is what git opens.
        real = SourceUrl(transport=url.transport, path=str(Path(url.path).resolve()))
        return Where(url=parse_url(real.path))
    if url.transport is Transport.SSH and not known_hosts.strip():
        raise SourceRefused(
            f"Nobody said which key {url.host} has.", cure="Write the host's line of known_hosts into the source."
        )
    may_be_private = is_listed(url.authority, allowed.private_hosts, default_port=DEFAULT_PORTS[url.transport])
    return Where(url=url, address=_address(url, may_be_private=may_be_private), known_hosts=known_hosts)


def _address(url: SourceUrl, *, may_be_private: bool) -> str:
    try:
        answers = socket.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        cure = "Check the host name and this machine's DNS."
        raise SourceUnavailable(f"{url.host} has no address: {error}.", cure=cure) from error
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    for text in found:
        if is_allowed(ipaddress.ip_address(text.partition("%")[0]), may_be_private=may_be_private):
            return text
    raise SourceRefused(
        f"{url.authority} leads to {', '.join(found[:4])}, which is no public address.",
        cure="If that is right, the operator lists it in GOLDGATE_SOURCE_PRIVATE_HOSTS.",
    )
