"""Cells that a spreadsheet shows and does not run (OWASP: CSV injection)."""

_RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutral(cell: str) -> str:
    """``cell`` with a quote before what a spreadsheet would take for a formula, and without NUL."""
    clean = cell.replace("\0", "")
    return f"'{clean}" if clean.startswith(_RUN) else clean
