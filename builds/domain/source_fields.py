"""What a source's fields must be to fit together. Each refusal names the field and the cure."""

import re
from typing import Any

from builds.domain.ref_rule import rule_problem
from builds.domain.signers import signer_problems
from builds.domain.source_url import parse_url, relative_problem
from core.errors import FieldError

MAX_ARGUMENTS = 100
MAX_VALUE_LENGTH = 4000
MAX_PLATFORMS = 8
MAX_HOSTS = 50
_NAME = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}\Z")
_ARGUMENT = re.compile(r"\A[A-Za-z_][A-Za-z0-9_]{0,99}\Z")
# What a program that is started by a build reads as an instruction to itself, not to the Dockerfile.
_RESERVED = re.compile(r"\A(?:BUILDKIT_|SOURCE_DATE_EPOCH\Z|LD_|PATH\Z)")
_PLATFORM = re.compile(r"\A(?:linux)/(?:amd64|arm64|arm/v[67]|386|ppc64le|s390x|riscv64)\Z")
_PLATFORMS = "linux/ and amd64, arm64, arm/v7, arm/v6, 386, ppc64le, riscv64 or s390x"  # as people read that
_TARGET = re.compile(r"\A[a-z][a-z0-9_.-]{0,99}\Z", re.IGNORECASE)
_HOST = re.compile(
    r"\A(?=.{1,255}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*(?::[0-9]{1,5})?\Z"
)


def field_problems(fields: dict[str, Any]) -> list[FieldError]:
    """Every wrong field of a source. Whether its place is listed is asked elsewhere: that is the operator's word."""
    wrong = [
        *_text_problems(fields),
        *_argument_problems(fields["arguments"]),
        *_list_problems(fields),
        *signer_problems(
            allowed_signers=fields["allowed_signers"],
            gpg_keys=fields["gpg_keys"],
            known_hosts=fields["known_hosts"],
        ),
    ]
    if fields["is_signature_required"] and not (fields["allowed_signers"].strip() or fields["gpg_keys"].strip()):
        cure = "Write down whose signatures count: allowed signers, or GPG keys."
        wrong.append(FieldError("/is_signature_required", "signers_missing", cure))
    return wrong


def _text_problems(fields: dict[str, Any]) -> list[FieldError]:
    wrong = []
    if not _NAME.match(fields["name"]):
        cure = "Give it a name of 1 to 100 letters, digits, spaces, dots, dashes."
        wrong.append(FieldError("/name", "name_malformed", cure))
    try:
        parse_url(fields["url"])
    except ValueError as error:
        wrong.append(FieldError("/url", "url_malformed", str(error)))
    paths = (
        rule_problem(fields["ref_rule"]),
        relative_problem(fields["directory"], pointer="/directory", may_be_empty=True),
        relative_problem(fields["dockerfile"], pointer="/dockerfile", may_be_empty=False),
    )
    wrong += [problem for problem in paths if problem]
    if fields["target"] and not _TARGET.match(fields["target"]):
        wrong.append(FieldError("/target", "target_malformed", "A target is the name of a stage of the Dockerfile."))
    if not 1 <= fields["renew_every_days"] <= 365:
        wrong.append(FieldError("/renew_every_days", "days_out_of_range", "Renew every 1 to 365 days."))
    return wrong


def _argument_problems(arguments: Any) -> list[FieldError]:
    if not isinstance(arguments, dict) or len(arguments) > MAX_ARGUMENTS:
        return [FieldError("/arguments", "arguments_malformed", f"Give at most {MAX_ARGUMENTS} names with texts.")]
    wrong = []
    for name, value in arguments.items():
        pointer = f"/arguments/{str(name)[:100].replace('~', '~0').replace('/', '~1')}"
        if not isinstance(name, str) or not _ARGUMENT.match(name):
            wrong.append(FieldError(pointer, "argument_malformed", "A name has letters, digits and underscores."))
        elif _RESERVED.match(name.upper()):
            wrong.append(FieldError(pointer, "argument_reserved", f"{name} instructs the builder itself."))
        elif not isinstance(value, str) or len(value) > MAX_VALUE_LENGTH or "\0" in value:
            wrong.append(FieldError(pointer, "argument_malformed", f"A value is a text of at most {MAX_VALUE_LENGTH}."))
    return wrong


def _list_problems(fields: dict[str, Any]) -> list[FieldError]:
    wrong = []
    platforms = list(fields["platforms"])
    if not 1 <= len(platforms) <= MAX_PLATFORMS or len(set(platforms)) != len(platforms):
        twice = sorted({one for one in platforms if platforms.count(one) > 1})
        told = f" {', '.join(twice)[:200]} is there twice." if twice else ""
        wrong.append(FieldError("/platforms", "platforms_malformed", f"Name 1 to {MAX_PLATFORMS}, each once.{told}"))
    for at, platform in enumerate(platforms):
        if not _PLATFORM.match(platform):
            known = f"{platform[:100]!r} is none that is built. Write {_PLATFORMS}."
            wrong.append(FieldError(f"/platforms/{at}", "platform_unknown", known))
    if len(fields["allowed_hosts"]) > MAX_HOSTS:
        wrong.append(FieldError("/allowed_hosts", "hosts_too_many", f"List at most {MAX_HOSTS} hosts."))
    for at, host in enumerate(fields["allowed_hosts"]):
        if not _HOST.match(host):
            wrong.append(FieldError(f"/allowed_hosts/{at}", "host_malformed", "Write host or host:port in lower case."))
    if fields["network"] == "listed" and not fields["allowed_hosts"]:
        wrong.append(FieldError("/allowed_hosts", "hosts_missing", "List the hosts that the build may reach."))
    if fields["network"] == "none" and fields["allowed_hosts"]:
        wrong.append(FieldError("/network", "hosts_unused", "Hosts count only with the network “listed hosts”."))
    return wrong
