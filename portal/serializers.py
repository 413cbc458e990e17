"""Input of the API: what nobody asked for is refused, never ignored."""

from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer of input that names every member it does not know, or that only answers carry.

    A client that sends ``is_superuser`` or a misspelt ``ends_at`` learns so, instead of believing that it was heard.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            known = {name for name, field in self.fields.items() if not field.read_only}
            unknown = sorted(str(name) for name in set(data) - known)
            if unknown:
                raise serializers.ValidationError(
                    {name: ["There is no such member here."] for name in unknown}, code="unknown_member"
                )
        return super().to_internal_value(data)
