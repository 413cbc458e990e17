"""Numbers in tar headers and PAX records, as Go's archive/tar reads them; below 0 there is none here."""

from collections.abc import Mapping

from builds.domain.layer_files.refusals import LayerRefused


def number(field: bytes, what: str) -> int:
    """Base 256 where the first bit is set, else octal text. Raises LayerRefused for anything else, and below 0."""
    if field[0] & 0x80:
        if field[0] & 0x40:
            raise LayerRefused(f"A header's {what} is below 0.")
        value = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        if value >= 1 << 63:
            raise LayerRefused(f"A header's {what} is no number that fits.")
        return value
    return octal(field, what)


def octal(field: bytes, what: str) -> int:
    """Octal text up to the first NUL, blanks and NULs around it left out; nothing is 0. Raises LayerRefused."""
    text = field.strip(b" \0").partition(b"\0")[0]
    if not text:
        return 0
    # int() alone takes signs, underscores and blanks.
    if not text.isdigit():
        raise LayerRefused(f"A header's {what} is no number.")
    try:
        return int(text, 8)
    except ValueError as error:
        raise LayerRefused(f"A header's {what} is no number.") from error


def decimal(records: Mapping[str, bytes], name: str, otherwise: int) -> int:
    """A PAX record as a number; ``otherwise`` where it is missing or empty. Raises LayerRefused."""
    text = records.get(name)
    if not text:
        return otherwise
    if not text.isdigit() or len(text) > 18:
        raise LayerRefused(f"The PAX record {name} is no number from 0.")
    return int(text)
