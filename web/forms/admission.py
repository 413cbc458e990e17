"""Clusters, and the question of Home."""

from django import forms

from web.forms.base import PageForm


class TryForm(PageForm):
    question = forms.CharField(
        label="A manifest or an image reference",
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 6, "class": "gg-mono", "spellcheck": "false"}),
        help_text="YAML as kubectl takes it, or one reference such as registry.corp/base/debian@sha256:… .",
    )
    cluster = forms.CharField(max_length=63, required=False, help_text="Empty: for no cluster in particular.")
    namespace = forms.CharField(max_length=253, required=False)


class ClusterForm(PageForm):
    name = forms.CharField(max_length=63, help_text="Lower-case letters, digits and dashes.")
    description = forms.CharField(max_length=500, required=False)
