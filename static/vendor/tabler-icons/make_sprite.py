"""Makes sprite.svg from the icons that templates name. Usage: make_sprite.py UNPACKED_TABLER_ICONS_PACKAGE.

The package is npm's @tabler/icons, unpacked; icons.txt lists the names, one a line.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(package: Path) -> None:
    """Write one <symbol> an icon, in the order of the list. Raises FileNotFoundError for an unknown name."""
    symbols = []
    for name in (HERE / "icons.txt").read_text(encoding="utf-8").split():
        style, _, bare = name.partition(":") if ":" in name else ("outline", "", name)
        source = (package / "icons" / style / f"{bare}.svg").read_text(encoding="utf-8")
        begin = source.index(">", source.index("<svg")) + 1
        inner = re.sub(r"\s+", " ", source[begin : source.rindex("</svg>")]).strip()
        inner = inner.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" /> ', "").replace(" />", "/>")
        paint = 'fill="currentColor" stroke="none"' if style == "filled" else 'fill="none" stroke="currentColor"'
        symbols.append(
            f'<symbol id="{bare}{"-filled" if style == "filled" else ""}" viewBox="0 0 24 24" {paint} '
            f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{inner}</symbol>'
        )
    body = "\n".join(symbols)
    (HERE / "sprite.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n', encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
