"""What all forms of ours share: how a field looks, and the reason that grave acts ask for."""

from typing import Any

from django import forms

MAX_REASON = 2000  # characters


class PageForm(forms.Form):
    """A form whose fields wear the product's look. It checks shapes only; the services judge."""

    use_required_attribute = True
    cure = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            widget = field.widget
            if isinstance(widget, forms.CheckboxInput | forms.CheckboxSelectMultiple | forms.RadioSelect):
                look = "form-check-input"
            elif isinstance(widget, forms.Select):
                look = "form-select"
            else:
                look = "form-control"
            widget.attrs["class"] = f"{widget.attrs.get('class', '')} {look}".strip()


class ReasonField(forms.CharField):
    """Why: kept in the record and shown wherever the deed is."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "Reason")
        kwargs.setdefault("help_text", "Kept in the record and shown on every page about this.")
        super().__init__(max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 3}), **kwargs)


class ReasonForm(PageForm):
    """Only a reason."""

    reason = ReasonField()


class LinesField(forms.CharField):
    """Several values, one a line; blank lines do not count. Cleans to a list."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 5, "class": "gg-mono", "spellcheck": "false"}))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return [line.strip() for line in text.splitlines() if line.strip()]
