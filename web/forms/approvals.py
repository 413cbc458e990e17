"""Asking, proposing, judging, ending."""

from typing import Any

from django import forms

from web.forms.base import MAX_REASON, PageForm, ReasonField


class RequestForm(PageForm):
    image_name = forms.CharField(label="Image", max_length=100, help_text="As in references: debian, python-slim.")
    version_name = forms.CharField(label="Version", max_length=128, help_text="The line you build on: 12, 3.12.")
    team: Any = forms.ModelChoiceField(queryset=None, required=False, empty_label="none", help_text="For which team.")
    reason = ReasonField(label="What for", help_text="Who answers reads it; others who need the same join you.")

    def __init__(self, *args: Any, teams: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = teams  # type: ignore[attr-defined]


class JoinForm(PageForm):
    reason = forms.CharField(
        label="What for", required=False, max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )


class AnswerForm(PageForm):
    answer = ReasonField(label="Answer", help_text="What they should use, or why there will be none.")


class SubversionForm(PageForm):
    version = forms.CharField(max_length=230, help_text="An existing one, as debian/12.")
    name = forms.CharField(
        label="Name of the build",
        max_length=128,
        required=False,
        help_text="Such as 12.15-20261124.1; empty: the day and a number.",
    )


class ProposeForm(PageForm):
    note = forms.CharField(
        label="Note for the reviewers", required=False, max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 3})
    )


class ReviewForm(PageForm):
    outcome = forms.ChoiceField(
        label="Your judgement",
        choices=[
            ("approve", "Approve: I stand for it"),
            ("request_changes", "Ask for changes: not like this"),
            ("reject", "Reject: never"),
        ],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=MAX_REASON,
        help_text="Needed to ask for changes and to reject; welcome with an approval. It is kept in the record.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    packet_sha256 = forms.CharField(max_length=64, widget=forms.HiddenInput)
