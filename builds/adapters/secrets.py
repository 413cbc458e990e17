"""Finds secrets in text, with the detectors of detect-secrets.

Only what is found is told, and on which line: never the value. Detectors that go by how random a text looks are left
out: they call every second line of ``/etc`` a secret. No detector's ``verify`` is called: it would ask the network.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.basic_auth import BasicAuthDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.keyword import DENYLIST, KeywordDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

MAX_LINE_CHARACTERS = 4096  # of one line; a longer one is looked at as far as that
MAX_FOUND = 100  # in one text
# What they find is a secret by its form.
_BY_FORM = (
    ArtifactoryDetector, AWSKeyDetector, AzureStorageKeyDetector, CloudantDetector, DiscordBotTokenDetector,
    GitHubTokenDetector, GitLabTokenDetector, IbmCloudIamDetector, IbmCosHmacDetector, JwtTokenDetector,
    MailchimpDetector, NpmDetector, OpenAIDetector, PrivateKeyDetector, PypiTokenDetector, SendGridDetector,
    SlackDetector, SoftlayerDetector, SquareOAuthDetector, StripeDetector, TelegramBotTokenDetector, TwilioKeyDetector,
)  # fmt: skip
# What they find may be an example: a word such as "password" before a value, a name and a password in an address.
_BY_WORD = (KeywordDetector, BasicAuthDetector)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,76}\n)+-----END CERTIFICATE-----")
_ADDRESS = re.compile("://[^\\s/]*@")
_WORDS = re.compile("|".join(DENYLIST), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A secret's kind (``Private Key``) and place. ``is_certain`` is False where a word alone speaks for it."""

    kind: str
    line: int
    is_certain: bool


def find_secrets(body: bytes) -> list[FoundSecret]:
    """What looks like secrets in a text, by line, each kind once a line; nothing for what is no text."""
    if b"\0" in body:
        return []
    lines = [line[:MAX_LINE_CHARACTERS] for line in _without_certificates(body.decode("utf-8", "replace")).split("\n")]
    text = "\n".join(lines)
    found = [*_by_form(text, lines), *_by_word(text, lines)]
    # The certain ones first: a hundred examples in front must not push a key out of the list.
    listed = sorted(set(found), key=lambda one: (not one.is_certain, one.line, one.kind))[:MAX_FOUND]
    return sorted(listed, key=lambda one: (one.line, one.kind))


def secret_values(text: str) -> set[str]:
    """What looks like secrets in a text of several lines, itself: only for whoever takes it out."""
    lines = [line[:MAX_LINE_CHARACTERS] for line in text.split("\n")]
    found: set[str] = set()
    for detector in _detectors(_BY_FORM):
        if next(iter(detector.analyze_string(text)), None) is not None:
            # The whole match: what the detector itself gives back may be a part of it only.
            found.update(match[0] for rule in detector.denylist for line in lines for match in rule.finditer(line))
    for detector, pattern in zip(_detectors(_BY_WORD), (_WORDS, _ADDRESS), strict=True):
        for number in _lines_with(pattern, text):
            found.update(str(value) for value in detector.analyze_string(lines[number - 1]))
    return found - {""}


def _without_certificates(text: str) -> str:
    """``text`` with the lines of certificates left empty: they are public, and half of what stands in ``/etc``."""
    return _CERTIFICATE.sub(lambda found: "\n" * found[0].count("\n"), text) if "BEGIN CERTIFICATE" in text else text


def _by_form(text: str, lines: list[str]) -> Iterator[FoundSecret]:
    for detector in _detectors(_BY_FORM):
        # Most texts have none: all of it at once is ten times faster than line by line.
        if next(iter(detector.analyze_string(text)), None) is None:
            continue
        for number, line in enumerate(lines, 1):
            if next(iter(detector.analyze_string(line)), None) is not None:
                yield FoundSecret(detector.secret_type, number, is_certain=True)


def _by_word(text: str, lines: list[str]) -> Iterator[FoundSecret]:
    keyword, basic = _detectors(_BY_WORD)
    for number in _lines_with(_WORDS, text):
        if next(iter(keyword.analyze_string(lines[number - 1])), None) is not None:
            yield FoundSecret(keyword.secret_type, number, is_certain=False)
    for number in _lines_with(_ADDRESS, text):
        if next(iter(basic.analyze_string(lines[number - 1])), None) is not None:
            yield FoundSecret(basic.secret_type, number, is_certain=False)


def _lines_with(pattern: re.Pattern[str], text: str) -> list[int]:
    """The numbers of the lines that it is in, each once."""
    found: list[int] = []
    at, number = 0, 1
    for match in pattern.finditer(text):
        number += text.count("\n", at, match.start())
        at = match.start()
        if not found or found[-1] != number:
            found.append(number)
    return found


@cache
def _detectors(classes: tuple[type[Any], ...]) -> list[Any]:
    return [one() for one in classes]
