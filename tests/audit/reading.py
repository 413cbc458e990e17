"""Reads an export as docs/reference/record.md describes it, with nothing of the code that wrote it."""

import hashlib
import json
from collections.abc import Iterable

import rfc8785


def faults(lines: Iterable[bytes], checkpoint: dict | None = None) -> list[str]:
    """What is wrong with an export, in the order met; with ``checkpoint`` (from a sink), also what is missing."""
    found: list[str] = []
    leaves: dict[int, str] = {}
    heads = {0: "0" * 64}
    number = size = 0
    for line in lines:
        row = json.loads(line)
        match row["type"]:
            case "record":
                leaves[row["position"]] = hashlib.sha256(b"\x00" + rfc8785.dumps(row["record"])).hexdigest()
            case "seal":
                seal = row["seal"]
                positions = range(seal["first"], seal["first"] + seal["count"])
                found += [f"record {p} missing" for p in positions if p not in leaves]
                pairs = zip(positions, row["leaves"], strict=False)
                found += [f"record {p} changed" for p, leaf in pairs if p in leaves and leaves[p] != leaf]
                if (
                    len(row["leaves"]) != seal["count"]
                    or _root([bytes.fromhex(x) for x in row["leaves"]]) != seal["root"]
                ):
                    found.append(f"seal {seal['number']} root")
                if hashlib.sha256(b"\x02" + rfc8785.dumps(seal)).hexdigest() != row["hash"]:
                    found.append(f"seal {seal['number']} hash")
                if (seal["number"], seal["first"], seal["previous"]) != (number + 1, size + 1, heads[number]):
                    found.append(f"seal {seal['number']} does not follow")
                number, size = seal["number"], seal["first"] + seal["count"] - 1
                heads[number] = row["hash"]
            case "unsealed" if not row["is_pending"]:
                found.append(f"stray record {row['record']['id']}")
    if checkpoint is not None:
        if checkpoint["number"] > number:
            found.append(f"tail cut: {size + 1} to {checkpoint['size']} missing")
        elif heads[checkpoint["number"]] != checkpoint["head"]:
            found.append(f"rewritten up to seal {checkpoint['number']}")
    return found


def _root(leaves: list[bytes]) -> str:
    level = leaves
    # RFC 6962 from the bottom: pair neighbours, an odd last one moves up as it is.
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0].hex() if level else ""
