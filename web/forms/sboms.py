"""Forms of inventories that somebody attests."""

from django import forms

from scans.domain.signers import MAX_PEM
from web.forms.base import LinesField, PageForm


class SignerForm(PageForm):
    """Whose inventories are believed, and of which images."""

    name = forms.CharField(max_length=100, help_text="Stands in sentences: “as attested by NAME”. Never given again.")
    public_pem = forms.CharField(
        label="Public key (PEM)",
        max_length=MAX_PEM,
        widget=forms.Textarea(attrs={"rows": 5, "class": "gg-mono", "spellcheck": "false"}),
        help_text="ECDSA P-256, as cosign generate-key-pair makes it (cosign.pub), or Ed25519.",
    )
    images = LinesField(
        label="Images of the catalog",
        required=False,
        max_length=6000,
        widget=forms.Textarea(attrs={"rows": 2, "class": "gg-mono", "spellcheck": "false"}),
        help_text="Names, one a line: every build of them.",
    )
    repositories = LinesField(
        label="Repositories",
        required=False,
        max_length=30_000,
        widget=forms.Textarea(attrs={"rows": 2, "class": "gg-mono", "spellcheck": "false"}),
        help_text="registry.example/base, one a line: what lies there or below it. No patterns.",
    )


class AttestationForm(PageForm):
    """An attestation as a file."""

    attestation = forms.FileField(help_text="What cosign attest --type cyclonedx or --type spdxjson made.")
