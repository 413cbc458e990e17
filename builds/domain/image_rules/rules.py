"""The rules, as data. An id names one rule for good; a rule that changes its meaning gets a new one.

``RULES_VERSION`` rises whenever a rule is added, or sees what it did not see: every image is then inspected again.
"""

from dataclasses import dataclass
from enum import StrEnum

RULES_VERSION = 1


class Severity(StrEnum):
    """How much a result weighs. An error keeps a candidate from being certified unless it is waived."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked for: why it matters, and what to do about it."""

    id: str
    title: str
    why: str
    cure: str


RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        Rule(
            "GG2001",
            "Set-uid or set-gid program",
            "Whoever runs it becomes its owner or its group: one mistake in it is root.",
            "Remove it, or take the bit away: RUN chmod u-s,g-s PATH.",
        ),
        Rule(
            "GG2002",
            "File that everybody may write",
            "Any process in the container can change what others run or read.",
            "Take the right away: RUN chmod o-w PATH.",
        ),
        Rule(
            "GG2003",
            "Directory that everybody may write, without the sticky bit",
            "Any process can replace the files of others in it.",
            "Set the sticky bit (chmod +t) or take the right away (chmod o-w).",
        ),
        Rule(
            "GG2004",
            "Secret in a file",
            "Everybody who can pull the image has it, also where a later layer deletes the file.",
            "Take it back where it was issued, build without it, mount secrets: RUN --mount=type=secret.",
        ),
        Rule(
            "GG2005",
            "File whose name says that it holds a secret",
            "Everybody who can pull the image has it, also where a later layer deletes the file.",
            "Leave it out with .dockerignore; if it held a secret, take that back where it was issued.",
        ),
        Rule(
            "GG2006",
            "What may be a password",
            "A word such as 'password' stands before a value; it may be an example.",
            "Look at the line. If it is real, take it back where it was issued and build without it.",
        ),
        Rule(
            "GG2007",
            "Program with capabilities",
            "It holds rights of root whoever starts it.",
            "Remove them (setcap -r PATH) and give the container what it needs when it is run.",
        ),
        Rule(
            "GG2008",
            "SSH host key",
            "Every container of the image has the same key, and everybody who can pull it has that key.",
            "Remove /etc/ssh/ssh_host_*_key and make keys when the container starts.",
        ),
        Rule(
            "GG2009",
            "Package manager present",
            "Whoever breaks in can install what they need.",
            "Choose an image without one where nothing is installed on top.",
        ),
        Rule(
            "GG2010",
            "Shell present",
            "Whoever breaks in has a tool to work with.",
            "Choose an image without one where no script is run.",
        ),
        Rule(
            "GG2011",
            "Interpreter present",
            "Whoever breaks in can run programs of their own.",
            "Choose an image without it where nothing needs it.",
        ),
        Rule(
            "GG2012",
            "Compiler or build tool present",
            "What runs does not need it; whoever breaks in can build what they need.",
            "Build in an earlier stage and copy the result: COPY --from=build.",
        ),
        Rule(
            "GG2013",
            "Program that no package explains",
            "No advisory will ever name it, and nobody sees when it is out of date.",
            "Install it as a package, or hand in an inventory that names it.",
        ),
        Rule(
            "GG2014",
            "Large image",
            "What is in it must be kept up to date, and pulled to every node.",
            "Leave out what nothing needs; look at the size by layer.",
        ),
        Rule(
            "GG2015",
            "Runs as root",
            "A process that breaks out of the container is root outside too, unless something else holds it.",
            "End the Dockerfile with USER and a number, 65532 for example.",
        ),
        Rule(
            "GG2016",
            "Port below 1024",
            "Opening it may need rights that an ordinary user does not have.",
            "Listen above 1023 and let the service map it.",
        ),
        Rule(
            "GG2017",
            "Started through a shell",
            "The shell is process 1: signals do not reach the program, and it must be in the image.",
            'Use the exec form: ENTRYPOINT ["program", "argument"].',
        ),
        Rule(
            "GG2018",
            "Package cache left behind",
            "Bytes that nothing needs, and that go stale.",
            "Remove it in the same RUN: rm -rf /var/lib/apt/lists/*, apk add --no-cache, dnf clean all.",
        ),
        Rule(
            "GG2019",
            "Files in a directory for temporary ones",
            "They were left by the build.",
            "Remove them in the same RUN.",
        ),
        Rule(
            "GG2020",
            "Container engine's socket",
            "Who reaches it is root on the node.",
            "Take the path out of the image; mount no engine socket.",
        ),
        Rule(
            "GG2021",
            "Device node",
            "No image needs one: the runtime makes those that there are.",
            "Leave out /dev when the layer is made.",
        ),
        Rule(
            "GG2022",
            "Name that does not show as it is",
            "It has characters that hide, move or reverse what stands beside them, or bytes that are no text.",
            "Rename the file.",
        ),
        Rule(
            "GG2023",
            "Secret in the environment",
            "Every process of every container has it, and everybody who can pull the image.",
            "Take it back where it was issued; give it to the container when it is run.",
        ),
    )
}
