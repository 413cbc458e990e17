"""What the signing API shows."""

from rest_framework import serializers


class SigningKeyOutput(serializers.Serializer):  # type: ignore[type-arg]
    """A public key, and whether it is in use."""

    key_id = serializers.CharField(help_text="Hex SHA-256 over the DER public key.")
    purpose = serializers.CharField()
    public_pem = serializers.CharField(help_text="What cosign verify --key reads.")
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)


class SigningKeysOutput(serializers.Serializer):  # type: ignore[type-arg]
    """Every key, newest first."""

    results = SigningKeyOutput(many=True)
