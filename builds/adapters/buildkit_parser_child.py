"""Parses one Dockerfile and writes what it found. Run as a script of its own: never imported.

``python -I buildkit_parser_child.py IN OUT``: IN is UTF-8, OUT becomes JSON. Only this process loads the Go parser.
"""

import json
import sys

import dockerfile


def main() -> None:
    """Read, parse, write."""
    with open(sys.argv[1], "rb") as file:
        text = file.read().decode("utf-8")
    try:
        found = dockerfile.parse_string(text)
    except dockerfile.GoParseError as error:
        answer: dict[str, object] = {"error": str(error)}
    else:
        answer = {
            "instructions": [
                {
                    "name": one.cmd,
                    "on_build": one.sub_cmd or "",
                    "is_json": one.json,
                    "original": one.original,
                    "line": one.start_line,
                    "end_line": one.end_line,
                    "flags": list(one.flags),
                    "values": list(one.value),
                    "heredocs": [{"name": here.name, "content": here.content} for here in one.heredocs],
                }
                for one in found
            ]
        }
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(answer, file)


main()
