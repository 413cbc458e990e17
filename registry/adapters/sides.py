"""The one place that turns a registry's row into something to talk to."""

from pathlib import Path

from registry import credentials
from registry.adapters.client import RegistryClient
from registry.adapters.interface import RegistrySide
from registry.adapters.layout import LayoutRegistry
from registry.adapters.settings import ConnectionSettings
from registry.models import Registry


def settings_of(registry: Registry) -> ConnectionSettings:
    """How to connect. Raises CredentialsUnreadable."""
    return ConnectionSettings(
        host=registry.host,
        base_url=registry.base_url,
        allow_private=registry.allow_private,
        listed_hosts=tuple(registry.listed_hosts),
        ca_pem=registry.ca_pem,
        proxy_url=registry.proxy_url,
        username=registry.username,
        secret=credentials.decrypt(bytes(registry.secret_encrypted), registry_id=registry.pk),
    )


def side_for(registry: Registry) -> RegistrySide:
    """The registry, ready to be asked; nothing is sent yet. Raises CredentialsUnreadable."""
    if registry.is_layout:
        return LayoutRegistry(Path(registry.layout_path))
    return RegistryClient(settings_of(registry))
