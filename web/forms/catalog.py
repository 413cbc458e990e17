"""Images, versions, and a place in the catalog for an artifact."""

from typing import Any

from django import forms

from web.forms.base import PageForm


class ImageForm(PageForm):
    name = forms.CharField(max_length=100, help_text="As in references: debian, python-slim. A variant is an image.")
    purpose = forms.ChoiceField(
        choices=[
            ("runtime", "runtime — may be the base of what runs"),
            ("build", "build — compilers and root: good in earlier stages, refused as the base of a Pod"),
        ]
    )
    owner: Any = forms.ModelChoiceField(
        label="Owner",
        queryset=None,
        required=False,
        empty_label="nobody yet",
        help_text="The team that answers for it.",
    )
    description = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="What is in it, for whom."
    )

    def __init__(self, *args: Any, teams: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = teams  # type: ignore[attr-defined]


class VersionForm(PageForm):
    name = forms.CharField(max_length=128, help_text="The line that teams build on: 12, 3.12.")
