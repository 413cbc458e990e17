"""Sources, recipes, waves, upstream tags, what is adopted, and waivers."""

from typing import Any

from django import forms

from web.forms.base import MAX_REASON, LinesField, PageForm, ReasonField
from web.forms.people import end_of_day

BUILDERS = [
    ("buildah", "buildah — built here"),
    ("buildkit", "BuildKit — built by a buildkitd of yours"),
    ("external", "a pipeline elsewhere — it submits digest and provenance"),
]
NETWORKS = [("none", "none"), ("listed", "the listed hosts alone")]


def _code(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "class": "gg-mono", "spellcheck": "false"})


class ArgumentsField(LinesField):
    """Build arguments, NAME=value, one a line. Cleans to a dict."""

    def clean(self, value: Any) -> Any:
        """Raises ValidationError for a line without "=" and for a name that is given twice."""
        found: dict[str, str] = {}
        for line in super().clean(value):
            name, equals, text = line.partition("=")
            if not equals or not name.strip():
                raise forms.ValidationError(f"“{line[:60]}” is not NAME=value.")
            if name.strip() in found:
                raise forms.ValidationError(f"{name.strip()[:60]} is given twice.")
            found[name.strip()] = text
        return found


class SourceForm(PageForm):
    name = forms.CharField(max_length=100, help_text="Such as debian-12. Builds are numbered under it.")
    version = forms.CharField(max_length=230, help_text="What it builds, as debian/12: an existing version.")
    url = forms.CharField(
        label="Repository",
        max_length=1000,
        help_text="https://…, ssh://…, or a path below a directory that the settings list.",
    )
    ref_rule = forms.CharField(
        label="Which commit",
        max_length=200,
        initial="main",
        help_text="A branch, refs/tags/v1.2, or a pattern of tags such as v1.*: the newest of them.",
    )
    directory = forms.CharField(
        max_length=500, required=False, help_text="The build context, relative; empty: the whole tree."
    )
    dockerfile = forms.CharField(max_length=500, initial="Dockerfile", help_text="Relative to the directory.")
    arguments = ArgumentsField(
        label="Build arguments", required=False, widget=_code(3), help_text="NAME=value, one a line. Never a secret."
    )
    target = forms.CharField(max_length=100, required=False, help_text="The stage to build; empty: the last.")
    platforms = LinesField(
        required=False,
        widget=_code(2),
        initial="linux/amd64",
        help_text="One a line, such as linux/arm64. Several become one index, built whole or not at all.",
    )
    builder = forms.ChoiceField(choices=BUILDERS)
    network = forms.ChoiceField(label="Network while it builds", choices=NETWORKS)
    allowed_hosts = LinesField(
        label="Listed hosts", required=False, widget=_code(2), help_text="host or host:port, one a line."
    )
    candidate_repository = forms.CharField(
        label="Candidates go to",
        max_length=512,
        required=False,
        help_text="host/path of a listed registry of the source side; empty: kept here until they are certified.",
    )
    is_base_recipe = forms.BooleanField(
        label="A base recipe of the platform team: it may stand on an adopted upstream image", required=False
    )
    is_signature_required = forms.BooleanField(label="Its commits must be signed", required=False)
    allowed_signers = forms.CharField(
        label="SSH signers",
        required=False,
        max_length=20_000,
        widget=_code(3),
        help_text="Lines of ssh-keygen's ALLOWED SIGNERS file.",
    )
    gpg_keys = forms.CharField(label="GPG keys", required=False, max_length=100_000, widget=_code(3))
    known_hosts = forms.CharField(
        label="Public keys of its host",
        required=False,
        max_length=20_000,
        widget=_code(2),
        help_text="For ssh://: lines of known_hosts.",
    )
    renew_every_days = forms.IntegerField(label="Renew every … days", min_value=1, max_value=365, initial=7)


class SourceOwnerForm(PageForm):
    owner = forms.CharField(label="New owner", max_length=150, help_text="The name that they sign in with.")
    reason = ReasonField(help_text="Why. Kept in the record and shown in the source's timeline.")


class PipelineForm(PageForm):
    kind = forms.ChoiceField(choices=[("github", "GitHub Actions"), ("gitlab", "GitLab CI")])
    issuer = forms.CharField(max_length=500, help_text="https://token.actions.githubusercontent.com, or your GitLab.")
    audience = forms.CharField(
        max_length=500, help_text="What the pipeline asks its token for: best this Goldgate's address."
    )
    subject = forms.CharField(
        max_length=500, help_text="Exactly as the token says: repo:corp/base:ref:refs/heads/main. No patterns."
    )
    jwks_url = forms.CharField(
        label="Address of its keys", max_length=500, required=False, help_text="Empty: where that kind publishes them."
    )
    ca_pem = forms.CharField(
        label="CA certificates (PEM)",
        max_length=100_000,
        required=False,
        widget=_code(2),
        help_text="Where a CA of yours signs the issuer's TLS certificate.",
    )
    is_private_allowed = forms.BooleanField(label="It may have a private or loopback address", required=False)


class RecipeReviewForm(PageForm):
    outcome = forms.ChoiceField(
        label="Your judgement",
        choices=[
            ("approve", "Approve: build from exactly this"),
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
    recipe_sha256 = forms.CharField(max_length=64, widget=forms.HiddenInput)


class WaveReviewForm(PageForm):
    outcome = forms.ChoiceField(
        label="Judgement of every chosen row",
        choices=[
            ("approve", "Approve: I stand for each of them"),
            ("request_changes", "Ask for changes: not like this"),
            ("reject", "Reject: never"),
        ],
        widget=forms.RadioSelect,
    )
    reason = ReasonField(help_text="One reason for all of them. Kept in the record, on each.")


class DifferenceForm(PageForm):
    older = forms.CharField(label="From", max_length=300, help_text="A digest, or image/version/subversion.")
    newer = forms.CharField(label="To", max_length=300, help_text="A digest, or image/version/subversion.")


class HostSystemForm(PageForm):
    system = forms.ChoiceField(label="Host system")
    release = forms.CharField(max_length=128, help_text="As its publisher calls it: 4081.2.0, 42.20261110.3.0.")
    architecture = forms.CharField(max_length=32, initial="amd64", help_text="amd64, arm64, ppc64le, s390x or riscv64.")
    artifact = forms.CharField(label="File", max_length=300, help_text="The file that the checksum is over.")
    checksum = forms.CharField(max_length=140, widget=_code(2), help_text="sha256:… or sha512:…, lower-case hex.")
    signature = forms.CharField(
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="How its signature was verified, and with which key.",
    )
    reason = ReasonField()

    def __init__(self, *args: Any, choices: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["system"].choices = choices  # type: ignore[attr-defined]


SCOPES = [
    ("version", "a version of an image"),
    ("source", "a source"),
    ("digest", "one digest, nothing else"),
]


class WaiverForm(PageForm):
    rule = forms.CharField(label="Check", max_length=40, help_text="Its id: GG1003, DL3008.")
    scope_kind = forms.ChoiceField(label="Where", choices=SCOPES)
    scope = forms.CharField(label="Which", max_length=300, help_text="debian/12, a source's name, or sha256:… .")
    reason = ReasonField(help_text="Why it may fail for a while. Who answers reads it; it stays in the record.")
    ticket = forms.CharField(max_length=200, required=False)
    ends_on = forms.DateField(
        label="Last day",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="In UTC, at most 179 days ahead.",
    )

    def clean_ends_on(self) -> Any:
        """The last moment of that day, in UTC."""
        return end_of_day(self.cleaned_data["ends_on"])
