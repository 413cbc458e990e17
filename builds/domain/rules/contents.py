"""What an image is made to hold and to be: GG1020 to GG1049."""

from builds.domain.rules.types import DockerfileRule, Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

CONTENT_RULES = (
    DockerfileRule(
        "GG1020", "Runs as root, or as a name", _ERROR,
        "Whoever breaks out of a process that runs as root is root; and a name proves no number to a cluster.",
        "End with a numeric USER that is not 0, such as USER 65532.", ("DL3002",),
    ),
    DockerfileRule(
        "GG1021", "Base recipe that runs as root", _WARNING,
        "What is built on it runs as root unless it sets USER. Bases need root to install; the gate judges the Pod.",
        "Set a numeric USER where nothing is installed on top.", ("DL3002",),
    ),
    DockerfileRule(
        "GG1022", "Secret in ENV", _ERROR,
        "Everybody who can pull the image reads it: it stands in the configuration and in every process.",
        "Take it back where it was issued. Give it when the container is run, or build with RUN --mount=type=secret.",
    ),
    DockerfileRule(
        "GG1023", "Secret in ARG", _ERROR,
        "Build arguments stand in the image's history and in its provenance.",
        "Take it back where it was issued, and build with RUN --mount=type=secret.",
    ),
    DockerfileRule(
        "GG1024", "Secret in LABEL", _ERROR,
        "Labels are shown to everybody, without pulling the image.",
        "Take it back where it was issued.",
    ),
    DockerfileRule(
        "GG1025", "Secret in the text", _ERROR,
        "The Dockerfile is kept in git, and its lines in the image's history.",
        "Take it back where it was issued, and build with RUN --mount=type=secret.",
    ),
    DockerfileRule(
        "GG1026", "What may be a secret", _WARNING,
        "A word such as 'password' stands before a value, or a file is called as files of keys are.",
        "Look at it. If it is real, take it back where it was issued.",
    ),
    DockerfileRule(
        "GG1027", "Secret or agent lent to a step", _NOTE,
        "A mounted secret leaves no trace unless the step writes it down, which nobody can see from here.",
        "Read the step that has it. Goldgate's own builders lend none.",
    ),
    DockerfileRule(
        "GG1028", "ADD from an address", _ERROR,
        "It brings in whatever the address serves on that day.",
        "Put the file into the context, or fetch it in a RUN that compares its checksum.", ("DL3020",),
    ),
    DockerfileRule(
        "GG1029", "ADD from a git repository", _ERROR,
        "It brings in whatever the branch holds on that day, and nobody reviewed it.",
        "Make it part of the source, at a commit.",
    ),
    DockerfileRule(
        "GG1030", "Source outside of the context", _ERROR,
        "A path that leaves the context reads the builder's own files where a builder lets it.",
        "Name files of the context.",
    ),
    DockerfileRule(
        "GG1031", "Number that is none", _ERROR,
        "Owners and modes past what the system counts wrap around in some builders: to root, or to set-uid.",
        "Write a user from 0 to 4294967294, and a mode of at most four octal digits.",
    ),
    DockerfileRule(
        "GG1032", "Set-uid program", _ERROR,
        "Whoever runs it becomes its owner: one mistake in it is root.",
        "Leave the bit away; run as the user that is needed.",
    ),
    DockerfileRule(
        "GG1033", "Files that everybody may write", _ERROR,
        "Any process in the container can change what others run or read.",
        "Give the right to the one user that needs it: chown, chmod u+w.",
    ),
    DockerfileRule(
        "GG1034", "Remote login", _WARNING,
        "Containers are entered through the cluster, which asks who comes; a login of their own does not.",
        "Remove the server and the port.", ("DL3011",),
    ),
    DockerfileRule(
        "GG1035", "Volume over the system", _ERROR,
        "What lies there is replaced when the container is run, by whoever owns the volume.",
        "Keep volumes to directories of data.",
    ),
    DockerfileRule(
        "GG1036", "Variable that steers programs or builders", _ERROR,
        "It makes every program load a foreign library, go through a foreign proxy, or the builder do something else.",
        "Remove it.",
    ),
    DockerfileRule(
        "GG1037", "DOCKER_CONTENT_TRUST", _WARNING,
        "The service behind it was shut down: with the variable set, docker pull fails. It protects nothing any more.",
        "Remove it. Goldgate's signatures are checked by the gate, or by cosign verify.",
    ),
    DockerfileRule(
        "GG1038", "Value that is very long", _ERROR,
        "Configurations are read whole by every registry, node and tool; some fail, and provenance cannot hold it.",
        "Put it into a file.",
    ),
    DockerfileRule(
        "GG1039", "Working directory that leads elsewhere", _ERROR,
        "Steps upwards and through /proc follow links of the image out of the place that is meant.",
        "Write the path in full.", ("DL3000",),
    ),
)  # fmt: skip
