"""What an image stands on, and who reads the Dockerfile: GG1001 to GG1019."""

from builds.domain.rules.types import DockerfileRule, Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

BASE_RULES = (
    DockerfileRule(
        "GG1001", "Base that is not certified", _ERROR,
        "What nobody reviewed comes into the image with it.",
        "Begin from the certified image that is named.", ("DL3006", "DL3026"),
    ),
    DockerfileRule(
        "GG1002", "Base that was withdrawn or rejected", _ERROR,
        "It was taken out of use for a reason, and that reason comes into the image with it.",
        "Begin from its successor.",
    ),
    DockerfileRule(
        "GG1003", "Base past its support", _ERROR,
        "No more fixes come for what is in it.",
        "Move to a release that is supported.",
    ),
    DockerfileRule(
        "GG1004", "Image for building under what runs", _ERROR,
        "It brings compilers and root, which an attacker finds useful and a service does not.",
        "Build in an earlier stage, and begin the last one from an image for running.",
    ),
    DockerfileRule(
        "GG1005", "Files taken from an image that is not certified", _ERROR,
        "COPY --from and mounts bring foreign files in as FROM does, and no lineage shows it.",
        "Take them from a stage of this Dockerfile, or from a certified image by digest.", ("DL3022",),
    ),
    DockerfileRule(
        "GG1006", "Name that builders read in different ways", _ERROR,
        "What is checked must be what is built: one builder takes a stage here and another one an image.",
        "Name an earlier stage, without variables.", ("DL3023", "DL3024"),
    ),
    DockerfileRule(
        "GG1007", "Base without a digest", _WARNING,
        "The name will mean another image tomorrow. Goldgate builds with the digest it looked up; others do not.",
        "Write the digest: goldgate check -f Dockerfile --fix does.", ("DL3006",),
    ),
    DockerfileRule(
        "GG1008", "Base that is retiring", _WARNING,
        "It ends soon, and then nothing may be built on it.",
        "Move to its successor: goldgate check -f Dockerfile --fix does.",
    ),
    DockerfileRule(
        "GG1009", "Base adopted from upstream", _NOTE,
        "It was imported from a trusted registry, and no reviewer of ours has certified it.",
        "Nothing, where this is a base recipe of the platform team's.",
    ),
    DockerfileRule(
        "GG1010", "latest", _ERROR,
        "The word names whatever was pushed last: nobody can say later what it was.",
        "Name a version, or the digest.", ("DL3007",),
    ),
    DockerfileRule(
        "GG1011", "Frontend of somebody else's", _ERROR,
        "A syntax line makes the builder fetch a program and let it decide what the Dockerfile means.",
        "Remove the line: what the builder itself reads is enough.",
    ),
    DockerfileRule(
        "GG1012", "Frontend fetched by name", _WARNING,
        "The builder fetches Docker's frontend from Docker Hub at each build, by a tag that moves.",
        "Remove the line: what the builder itself reads is enough.",
    ),
    DockerfileRule(
        "GG1013", "Checks that are switched off", _NOTE,
        "A line asks linters to look away. Goldgate's rules do not; reviewers should know.",
        "Remove the line, and ask for a waiver where a rule is wrong for this image.",
    ),
    DockerfileRule(
        "GG1014", "Text that builders read in different ways", _ERROR,
        "A builder without here-documents takes their lines for instructions: it builds what nobody checked.",
        "Put the text into a file of the context, and COPY it.",
    ),
    DockerfileRule(
        "GG1015", "Characters that hide what is written", _ERROR,
        "Control characters and changes of direction show people another text than the builder reads.",
        "Remove them.",
    ),
    DockerfileRule(
        "GG1016", "Instruction for those who build on it", _ERROR,
        "ONBUILD runs in other people's builds, after every check of this one.",
        "Write the instruction where it is needed.",
    ),
    DockerfileRule(
        "GG1017", "Linter that did not answer", _WARNING,
        "hadolint was asked and did not read the Dockerfile: what it would have said is not known.",
        "Write the Dockerfile more plainly, or look at hadolint's own output.",
    ),
    DockerfileRule(
        "GG1018", "Base that nobody may begin from", _ERROR,
        "The policy in force names it, with the reason that is told.",
        "Begin from what the policy names instead.", ("DL3026",),
    ),
)  # fmt: skip
