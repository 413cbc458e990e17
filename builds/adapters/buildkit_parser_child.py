"""Parses Dockerfiles and writes what it found. Run as a script of its own: never imported.

``python -I buildkit_parser_child.py IN OUT``: IN is a JSON list of texts, OUT becomes a JSON list of answers, in their
order. Only this process loads the Go parser.
"""

import json
import sys

import dockerfile


def answer(text: str) -> dict[str, object]:
    """Its instructions, or what the parser says against it."""
    try:
        found = dockerfile.parse_string(text)
    except dockerfile.GoParseError as error:
        return {"error": str(error)}
    except UnicodeDecodeError:
        # Flags are split by bytes: one that is half of a character may count as a blank.
        return {"error": "a character in a flag is taken apart"}
    return {
        "instructions": [
            {
                "name": one.cmd or "",
                "on_build": one.sub_cmd or "",
                "is_json": one.json,
                "original": one.original or "",
                "line": one.start_line,
                "end_line": one.end_line,
                "flags": list(one.flags),
                "values": list(one.value),
                "heredocs": [{"name": here.name, "content": here.content} for here in one.heredocs],
            }
            for one in found
        ]
    }


def main() -> None:
    """Read, parse, write."""
    with open(sys.argv[1], encoding="utf-8") as file:
        texts = json.load(file)
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump([answer(text) for text in texts], file)


main()
