"""Registries and imports."""

from django import forms

from web.forms.base import LinesField, PageForm

MAX_ARCHIVE_NAME = 300

# What each kind of registry usually needs; a link on the form fills it in.
PRESETS: dict[str, tuple[str, dict[str, object]]] = {
    "docker-hub": ("Docker Hub", {"name": "Docker Hub", "host": "docker.io"}),
    "ghcr": ("GitHub (GHCR)", {"name": "GitHub", "host": "ghcr.io"}),
    "quay": ("Quay", {"name": "Quay", "host": "quay.io"}),
    "mcr": ("Microsoft (MCR)", {"name": "Microsoft", "host": "mcr.microsoft.com"}),
    "harbor": ("Harbor", {"name": "Harbor", "host": "harbor.example", "path_prefix": "library"}),
    "artifactory": ("Artifactory", {"name": "Artifactory", "host": "docker.artifactory.example"}),
    "layout": (
        "A directory of ours",
        {"name": "Certified", "kind": "layout", "side": "certified", "public_name": "registry.example/golden"},
    ),
}


class RegistryForm(PageForm):
    name = forms.CharField(max_length=100)
    side = forms.ChoiceField(
        choices=[
            ("source", "source — images come from here"),
            ("certified", "certified — what is certified is copied here and signed"),
        ]
    )
    kind = forms.ChoiceField(choices=[("remote", "a registry"), ("layout", "a directory (OCI layout) on this host")])
    host = forms.CharField(
        max_length=255, required=False, help_text="As it stands in references: docker.io, registry.corp:5000."
    )
    base_url = forms.CharField(
        label="Address", max_length=500, required=False, help_text="Where its API answers; empty: https://HOST."
    )
    path_prefix = forms.CharField(
        label="Path that ours begin with", max_length=200, required=False, help_text="Such as golden."
    )
    public_name = forms.CharField(
        max_length=455, required=False, help_text="For a directory: the name that clusters will pull by."
    )
    layout_path = forms.CharField(
        label="Directory", max_length=1000, required=False, help_text="For a directory: below Goldgate's home."
    )
    username = forms.CharField(max_length=255, required=False)
    secret = forms.CharField(
        label="Password or token",
        max_length=4096,
        required=False,
        strip=False,
        help_text="Kept encrypted, never shown.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    is_trusted = forms.BooleanField(label="Images from it may run where the policy trusts registries", required=False)
    allow_private = forms.BooleanField(label="It may have a private or loopback address", required=False)
    ca_pem = forms.CharField(
        label="CA certificates (PEM)",
        required=False,
        max_length=262_144,
        widget=forms.Textarea(attrs={"rows": 4, "class": "gg-mono", "spellcheck": "false"}),
        help_text="Where a CA of yours signs its TLS certificate.",
    )
    proxy_url = forms.CharField(label="Forward proxy", max_length=500, required=False)
    listed_hosts = LinesField(
        label="Further hosts of it",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "gg-mono", "spellcheck": "false"}),
        help_text="Its token service or storage, one a line, where they have other names and private addresses.",
    )


class ImportReferenceForm(PageForm):
    reference = forms.CharField(
        max_length=600, help_text="docker.io/library/debian:12 or …@sha256:… . A tag is resolved once and recorded."
    )
    platforms = forms.CharField(
        max_length=600,
        required=False,
        initial="linux/amd64",
        help_text="Separated by spaces; empty: all. Fewer than all make an index of our own, so that what is"
        " reviewed is what is certified.",
    )


class ImportListForm(PageForm):
    text = forms.CharField(
        label="References",
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 6, "class": "gg-mono", "spellcheck": "false"}),
        help_text="One a line, platforms after it; # begins a comment. All or none.",
    )


class ImportArchiveForm(PageForm):
    archive = forms.FileField(label="OCI archive", help_text="A tar of an OCI layout, as skopeo and buildah write it.")
    name = forms.CharField(
        label="Which image in it",
        max_length=MAX_ARCHIVE_NAME,
        required=False,
        help_text="Only needed when it holds several.",
    )
    archive_platforms = forms.CharField(label="Platforms", max_length=600, required=False, help_text="Empty: all.")
