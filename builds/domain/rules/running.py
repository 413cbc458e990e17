"""What a build is made to do: GG1050 to GG1079."""

from builds.domain.rules.types import DockerfileRule, Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

RUN_RULES = (
    DockerfileRule(
        "GG1050", "Network piped into a shell", _ERROR,
        "Whatever the address serves on that day runs as root, and leaves no trace of what it was.",
        "Fetch a file, compare its checksum, then run it; or put it into the context.",
    ),
    DockerfileRule(
        "GG1051", "Downloaded and run without a checksum", _ERROR,
        "It is the same as piping it into a shell, in two steps.",
        "Compare it before: echo 'SHA256  FILE' | sha256sum -c -.",
    ),
    DockerfileRule(
        "GG1052", "Check of who answers switched off", _ERROR,
        "Anybody between the builder and the server can put something else into the image.",
        "Install the CA that is missing, and remove the switch.",
    ),
    DockerfileRule(
        "GG1053", "Download without encryption", _WARNING,
        "Anybody between the builder and the server can put something else into the image.",
        "Fetch it by https, and compare its checksum.",
    ),
    DockerfileRule(
        "GG1054", "Package lists and caches left behind", _WARNING,
        "They make the image larger, and scanners find packages in them that are not installed.",
        "Remove them in the RUN that made them: rm -rf /var/lib/apt/lists/*, apk add --no-cache, dnf clean all.",
        ("DL3009", "DL3019", "DL3032", "DL3036", "DL3040", "DL3042", "DL3060"),
    ),
    DockerfileRule(
        "GG1055", "sudo", _ERROR,
        "A build step is root already; in the image it is a way from any user to root.",
        "Leave it out. Use USER to change who runs.", ("DL3004",),
    ),
    DockerfileRule(
        "GG1056", "Step that asks for more than a build gets", _ERROR,
        "It runs with the rights or the network of the machine that builds.",
        "Remove the flag.",
    ),
    DockerfileRule(
        "GG1057", "Mount of what is not the build's", _ERROR,
        "A mount with a path that leaves the context, or over the system's own directories, reached the builder's files"
        " in more than one builder.",
        "Mount a directory of the context to a directory of its own, to be read.",
    ),
    DockerfileRule(
        "GG1058", "Cache shared between builds", _WARNING,
        "What one build leaves there becomes part of another, without standing in its recipe.",
        "Build without it. Goldgate's own builders begin with an empty one.",
    ),
    DockerfileRule(
        "GG1059", "Step that looks at the builder", _ERROR,
        "It reads or changes what belongs to the machine that builds: its processes, devices, mounts or credentials.",
        "Remove it.",
    ),
    DockerfileRule(
        "GG1060", "Step that calls the builder's own network", _ERROR,
        "Loopback and link-local addresses are services of the machine that builds, and its credentials.",
        "Remove it.",
    ),
    DockerfileRule(
        "GG1061", "Step that tells its environment", _ERROR,
        "What a builder gave to the step stands in the log, or in the image.",
        "Remove it; name the variables that are needed.",
    ),
    DockerfileRule(
        "GG1062", "Step that does not end", _ERROR,
        "It takes the builder's time, memory, disk or log until it is stopped.",
        "Remove it.",
    ),
    DockerfileRule(
        "GG1063", "Text that takes over terminals", _ERROR,
        "Escape sequences in a log make terminals show, copy or run something else.",
        "Remove them.",
    ),
)  # fmt: skip
