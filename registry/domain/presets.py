"""Well-known registries, so that nobody has to know where Docker Hub's API answers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """What to begin with when a registry is added. ``{…}`` in ``host`` is for the person to fill in."""

    key: str
    title: str
    host: str
    base_url: str
    listed_hosts: tuple[str, ...]
    hint: str


PRESETS = (
    Preset(
        "docker-hub",
        "Docker Hub",
        "docker.io",
        "https://registry-1.docker.io",
        ("auth.docker.io",),
        "Without signing in, pulls are limited by address. Use an access token as the password.",
    ),
    Preset(
        "ghcr",
        "GitHub Container Registry",
        "ghcr.io",
        "https://ghcr.io",
        (),
        "Private images need a personal access token (classic) with read:packages.",
    ),
    Preset("quay", "Quay", "quay.io", "https://quay.io", (), "Use a robot account: namespace+name and its token."),
    Preset(
        "mcr",
        "Microsoft Artifact Registry",
        "mcr.microsoft.com",
        "https://mcr.microsoft.com",
        (),
        "Public; no signing in.",
    ),
    Preset(
        "harbor",
        "Harbor",
        "{harbor.example.com}",
        "https://{harbor.example.com}",
        (),
        "Use a robot account (robot$name) with pull, and push on the certified side. Add its CA if it has its own.",
    ),
    Preset(
        "artifactory",
        "JFrog Artifactory",
        "{company.jfrog.io}",
        "https://{company.jfrog.io}",
        (),
        "Repositories are named <repository key>/<image>. Use an identity token as the password.",
    ),
)
