"""An archive as a request's body: handed on as a stream, never held in memory."""

from collections.abc import Iterator, Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser

_PIECE_BYTES = 1024 * 1024


class ArchiveBody:
    """The pieces of an archive that is being sent."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._stream.read(_PIECE_BYTES):
            yield piece


class ArchiveParser(BaseParser):
    """``application/x-tar``."""

    media_type = "application/x-tar"

    def parse(  # type: ignore[override]
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> ArchiveBody:
        return ArchiveBody(stream)
