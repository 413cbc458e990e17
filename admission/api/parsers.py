"""The body in which a gate ships decisions.

More lenient than the API's own parser, on purpose: what a gate kept holds what users of the cluster wrote, NUL
included. A batch refused for one such text would take the other decisions with it, and hide them.
"""

from collections.abc import Mapping
from typing import IO, Any

import msgspec
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

MAX_BATCH_BYTES = 64 * 1024 * 1024


class DecisionBatchParser(BaseParser):
    """``application/json`` up to 64 MiB."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value. Raises ParseError."""
        body = stream.read(MAX_BATCH_BYTES + 1)
        if len(body) > MAX_BATCH_BYTES:
            raise ParseError(f"The batch is larger than {MAX_BATCH_BYTES} bytes.")
        try:
            return msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ParseError(f"The batch is not JSON: {str(error)[:200]}") from error
