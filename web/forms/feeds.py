"""Where what we know of vulnerabilities comes from."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from web.forms.base import LinesField, PageForm

MAX_UPLOAD_BYTES = 64 * 1024 * 1024

KINDS = [
    ("osv", "advisories (OSV)"),
    ("ratings", "ratings (CVSS)"),
    ("kev", "known exploited vulnerabilities"),
    ("endoflife", "end-of-life dates"),
]


class FeedForm(PageForm):
    name = forms.CharField(max_length=100)
    kind = forms.ChoiceField(choices=KINDS)
    url = forms.CharField(
        label="Address", max_length=1000, required=False, help_text="Empty: files are uploaded by hand."
    )
    index_url = forms.CharField(
        label="Address of its date",
        max_length=1000,
        required=False,
        help_text="A small JSON file that states snapshot_at; empty: the server's Last-Modified does.",
    )
    declared_ecosystems = LinesField(
        label="Releases that it answers for",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "gg-mono"}),
        help_text="Such as Debian:12, one a line; empty: what its records name.",
    )
    allow_private = forms.BooleanField(label="Its host may have a private or loopback address", required=False)


class FeedFileForm(PageForm):
    file = forms.FileField(
        help_text=".jsonl, .jsonl.gz, .json or all.zip. Its publisher's date comes with it, below or in the contents."
    )
    snapshot_at = forms.DateTimeField(
        label="From when it is (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="When its publisher made it; never when it was downloaded.",
    )
    source = forms.CharField(label="Who states that date", max_length=500, required=False)

    def clean_file(self) -> "UploadedFile[Any]":
        """Raises ValidationError for a file that would keep a web worker busy for minutes."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_UPLOAD_BYTES:
            raise forms.ValidationError("It is too large for a page: use script/manage feed import on the host.")
        return file


class ScheduleForm(PageForm):
    every_minutes = forms.IntegerField(label="Every … minutes", min_value=1, max_value=60 * 24 * 31)
    is_enabled = forms.BooleanField(label="Switched on", required=False)
