"""How one registry is reached, and the limits that hold for every one."""

from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

CONNECT_SECONDS = 30.0
IDLE_SECONDS = 30.0  # between two pieces of an answer
TOTAL_SECONDS = 600.0  # for one answer, retries not counted
LEAST_BYTES_A_SECOND = 4096  # below this for TOTAL_SECONDS a body cannot be large anyway
MAX_REDIRECTS = 5
MAX_TRIES = 4
MAX_WAIT_SECONDS = 60.0  # honoured of a Retry-After; a longer one ends the try
MAX_ANSWER_BYTES = 4 * 1024 * 1024  # tokens, errors, tag lists, referrers
MAX_PAGES = 100  # of a tag or referrers list
UPLOAD_CHUNK_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """Everything that a connection to one registry follows from."""

    host: str
    base_url: str
    allow_private: bool = False
    listed_hosts: tuple[str, ...] = ()
    ca_pem: str = ""
    proxy_url: str = ""
    username: str = ""
    secret: str = field(default="", repr=False)
    connect_seconds: float = CONNECT_SECONDS
    idle_seconds: float = IDLE_SECONDS
    total_seconds: float = TOTAL_SECONDS
    max_tries: int = MAX_TRIES
    # Seconds before the second try; doubled for each further one.
    first_wait_seconds: float = 0.5

    @property
    def base(self) -> SplitResult:
        """``base_url`` in parts."""
        return urlsplit(self.base_url)

    @property
    def authority(self) -> str:
        """``host:port`` of the API, the port always written."""
        return authority_of(self.base)

    def may_be_private(self, authority: str) -> bool:
        """Whether ``host:port`` is one for which private addresses were listed. The proxy was entered by hand."""
        if self.proxy_url and authority == authority_of(urlsplit(self.proxy_url)):
            return True
        return self.allow_private and self.is_listed(authority)

    def is_listed(self, authority: str) -> bool:
        """Whether ``host:port`` is the registry's own or one that somebody wrote down for it."""
        return authority in {self.authority, *map(_with_port, self.listed_hosts)}


def authority_of(url: SplitResult) -> str:
    """``host:port`` in lower case, with the scheme's port where none is written. Raises ValueError."""
    port = url.port or (443 if url.scheme == "https" else 80)
    return f"{(url.hostname or '').lower()}:{port}"


def _with_port(listed: str) -> str:
    return authority_of(urlsplit(f"https://{listed}"))
