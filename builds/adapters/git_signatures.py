"""Whose signature a commit carries, asked of ``ssh-keygen`` and ``gpg`` with nothing but the source's own keys.

What is judged is the key at this moment: one that is no longer valid vouches for nothing, whatever date the commit
gives itself. See docs/adr/0035.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from builds.adapters.git import plain, program
from builds.domain.signers import parse_signers
from builds.errors import SourceRefused
from scans.adapters.child import Limits, run_child

LIMITS = Limits(wall_seconds=30, cpu_seconds=20, data_bytes=512 * 1024**2, file_bytes=8 * 1024**2)
MAX_SIGNATURE_BYTES = 64 * 1024
_HEADERS = (b"gpgsig ", b"gpgsig-sha256 ")
# OpenPGP hash algorithms (RFC 9580, 9.5) with which a signature may be forged.
_BROKEN_HASHES = frozenset({"1", "2", "3"})  # MD5, SHA-1, RIPEMD-160
_UNTRUE = ("EXPKEYSIG", "EXPSIG", "REVKEYSIG", "BADSIG", "ERRSIG", "NO_PUBKEY")


@dataclass(frozen=True, slots=True)
class Signature:
    """What is known of a commit's signature: as ``Recipe.signature`` holds it."""

    state: str  # "none", "verified", "unverified"
    kind: str = ""  # "ssh", "gpg"
    by: str = ""
    detail: str = ""

    def as_json(self) -> dict[str, str]:
        """As the row keeps it."""
        return asdict(self)


def verify_commit(  # noqa: PLR0913 — one keyword a fact
    body: bytes,
    *,
    allowed_signers: str,
    gpg_keys: str,
    work: Path,
    now: datetime,
    check: Callable[[], None] = lambda: None,
) -> Signature:
    """Judge the signature in a commit object's bytes. Raises SourceRefused for a commit that holds several."""
    signature, payload = split_signature(body)
    if not signature:
        return Signature("none", detail="The commit is not signed.")
    place = work / "signature"
    place.mkdir(mode=0o700)
    (place / "commit").write_bytes(payload)
    (place / "commit.sig").write_bytes(signature)
    if signature.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        return _by_ssh(place, allowed_signers, now, check)
    if signature.startswith(b"-----BEGIN PGP SIGNATURE-----"):
        return _by_gpg(place, gpg_keys, now, check)
    return Signature("unverified", detail="The signature is of a kind that is not read here.")


def split_signature(body: bytes) -> tuple[bytes, bytes]:
    """The signature and what it signs: the commit without that header (gitformat-signature(5)).

    Raises SourceRefused when there are several: which one counts would be anybody's guess.
    """
    headers, separator, message = body.partition(b"\n\n")
    kept: list[bytes] = []
    found: list[bytes] = []
    inside = False
    for row in headers.split(b"\n"):
        if row.startswith(_HEADERS):
            inside = True
            found.append(row.partition(b" ")[2])
        elif inside and row.startswith(b" "):
            found[-1] += b"\n" + row[1:]
        else:
            inside = False
            kept.append(row)
    if len(found) > 1 or (found and len(found[0]) > MAX_SIGNATURE_BYTES):
        raise SourceRefused("The commit holds more than one signature.", cure="Sign it once.")
    return (found[0].strip() + b"\n" if found else b""), b"\n".join(kept) + separator + message


def _by_ssh(place: Path, allowed_signers: str, now: datetime, check: Callable[[], None]) -> Signature:
    signers = parse_signers(allowed_signers)
    if not signers:
        return Signature("unverified", "ssh", detail="It is signed with an SSH key, and the source lists no signers.")
    allowed = place / "allowed"
    allowed.write_text("".join(f"{signer.line}\n" for signer in signers))
    moment = f"-Overify-time={now.astimezone(UTC):%Y%m%d%H%M%S}Z"
    common = ["-f", str(allowed), "-s", str(place / "commit.sig")]
    code, said = _run([program("ssh-keygen"), "-Y", "find-principals", *common, moment], place, None, check)
    principals = [line.strip() for line in said.splitlines() if line.strip()] if code == 0 else []
    if not principals:
        return Signature("unverified", "ssh", detail="Its key is none of the source's, or not valid now.")
    principal = principals[0]
    # All that the key is listed for: whoever has one of these addresses signed it, and does not review it.
    by = " ".join(principals)[:320]
    verify = [program("ssh-keygen"), "-Y", "verify", "-n", "git", "-I", principal, *common, moment]
    code, said = _run(verify, place, place / "commit", check)
    if code != 0:
        return Signature("unverified", "ssh", by, detail=plain(said)[-300:] or "The signature is wrong.")
    return Signature("verified", "ssh", by, detail=plain(said)[:300])


def _by_gpg(place: Path, gpg_keys: str, now: datetime, check: Callable[[], None]) -> Signature:
    if not gpg_keys.strip():
        return Signature("unverified", "gpg", detail="It is signed with a GPG key, and the source lists no keys.")
    home = place / "gnupg"
    home.mkdir(mode=0o700)
    (home / "gpg.conf").write_text("no-auto-key-retrieve\nno-auto-key-locate\ntrust-model always\nno-autostart\n")
    (place / "keys").write_text(gpg_keys)
    gpg = [program("gpg"), "--homedir", str(home), "--batch", "--no-tty", "--quiet", "--status-fd", "1"]
    gpg += ["--faked-system-time", f"{now.astimezone(UTC):%Y%m%dT%H%M%S}!"]
    code, said = _run([*gpg, "--import", str(place / "keys")], place, None, check)
    if "IMPORT_OK" not in said:
        return Signature("unverified", "gpg", detail="The source's keys cannot be read by gpg.")
    verify = [*gpg, "--verify", str(place / "commit.sig"), str(place / "commit")]
    code, said = _run(verify, place, None, check)
    return _gpg_verdict(code, said)


def _gpg_verdict(code: int, said: str) -> Signature:
    """From gpg's status lines (doc/DETAILS): one good and valid signature, nothing that speaks against it."""
    rows = [row.removeprefix("[GNUPG:] ").split(" ") for row in said.splitlines() if row.startswith("[GNUPG:] ")]
    words = {row[0] for row in rows}
    good = [row for row in rows if row[0] == "GOODSIG"]
    valid = [row for row in rows if row[0] == "VALIDSIG" and len(row) >= 11]
    by = plain(" ".join(good[0][2:]))[:320] if good else ""
    against = [word for word in _UNTRUE if word in words]
    if code != 0 or against or len(good) != 1 or len(valid) != 1:
        why = {
            "EXPKEYSIG": "The key that signed it has expired.",
            "EXPSIG": "The signature has expired.",
            "REVKEYSIG": "The key that signed it was revoked.",
            "BADSIG": "The signature does not fit the commit.",
        }
        detail = next((why[word] for word in against if word in why), "The key that signed it is none of the source's.")
        return Signature("unverified", "gpg", by, detail)
    if valid[0][8] in _BROKEN_HASHES:
        return Signature("unverified", "gpg", by, "It is signed over a hash that can be forged: sign with SHA-256.")
    fingerprint = re.sub(r"[^0-9A-F]", "", valid[0][1])
    return Signature("verified", "gpg", by, f"Key {fingerprint}")


def _run(arguments: list[str], place: Path, stdin: Path | None, check: Callable[[], None]) -> tuple[int, str]:
    said = place / "said"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(place), "LC_ALL": "C", "TZ": "UTC"}
    ended = run_child(
        arguments, directory=place, environment=environment, limits=LIMITS, check=check, stdin=stdin, stdout=said
    )
    code = ended.return_code if not ended.is_timed_out else -1
    with said.open("rb") as file:
        return code, file.read(MAX_SIGNATURE_BYTES).decode("utf-8", "replace")
