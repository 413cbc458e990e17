"""What systems are known to bring: names, not judgements."""

import re

# Set-uid and set-gid programs of Debian's, Ubuntu's, Alpine's and Red Hat's own packages (util-linux, shadow, passwd,
# login, pam, bsdutils, sudo, openssh, policykit, dbus). /bin, /sbin and /lib are /usr/bin, … where /usr is merged.
_SETUID = """
usr/bin/chage usr/bin/chfn usr/bin/chsh usr/bin/expiry usr/bin/gpasswd usr/bin/mount usr/bin/newgrp usr/bin/passwd
usr/bin/su usr/bin/umount usr/bin/wall usr/bin/write usr/bin/write.ul usr/bin/bsd-write usr/bin/dotlockfile
usr/bin/sudo usr/bin/ssh-agent usr/bin/crontab usr/bin/pkexec usr/bin/fusermount usr/bin/fusermount3 usr/bin/newuidmap
usr/bin/newgidmap usr/bin/sg usr/bin/ping usr/sbin/unix_chkpwd usr/sbin/pam_extrausers_chkpwd
usr/sbin/pam_timestamp_check
usr/sbin/userhelper usr/sbin/grub2-set-bootflag usr/lib/openssh/ssh-keysign usr/libexec/openssh/ssh-keysign
usr/lib/dbus-1.0/dbus-daemon-launch-helper usr/libexec/dbus-1/dbus-daemon-launch-helper
usr/lib/policykit-1/polkit-agent-helper-1 usr/lib/polkit-1/polkit-agent-helper-1 usr/bin/bbsuid
usr/libexec/utempter/utempter usr/lib/x86_64-linux-gnu/utempter/utempter
"""
_VERSION = re.compile(r"-?[0-9]+(\.[0-9]+)*$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KNOWN_SETUID = _words(_SETUID)
SHELLS = _words("sh ash bash dash zsh ksh mksh csh tcsh fish rbash busybox toybox yash")
PACKAGE_MANAGERS = _words("apt apt-get dpkg apk rpm yum dnf microdnf tdnf zypper pacman opkg")
LANGUAGE_MANAGERS = _words("pip pip3 npm yarn pnpm gem composer cargo")
INTERPRETERS = _words("perl python python2 python3 ruby node nodejs php lua luajit tclsh java awk gawk mawk guile")
BUILD_TOOLS = _words(
    "gcc g++ cc c++ clang clang++ tcc make cmake ninja meson go rustc javac ld as gdb strace git hg svn"
)
PROGRAM_DIRECTORIES = ("bin/", "sbin/", "usr/bin/", "usr/sbin/", "usr/local/bin/", "usr/local/sbin/")
ENGINE_SOCKETS = frozenset(
    {
        "var/run/docker.sock", "run/docker.sock", "run/containerd/containerd.sock", "run/podman/podman.sock",
        "var/run/crio/crio.sock", "run/crio/crio.sock",
    }
)  # fmt: skip
# Directories of package caches and what is not one of their files.
PACKAGE_CACHES = (
    ("var/lib/apt/lists/", ("lock", "partial", "auxfiles")),
    ("var/cache/apt/archives/", ("lock", "partial")),
    ("var/cache/apk/", ()),
    ("etc/apk/cache/", ()),
    ("var/cache/dnf/", ()),
    ("var/cache/yum/", ()),
    ("var/cache/zypp/", ()),
)


def with_merged_usr(path: str) -> str:
    """``bin/su`` as ``usr/bin/su``: the name that it has where ``/usr`` is merged."""
    top = path.partition("/")[0]
    return f"usr/{path}" if top in ("bin", "sbin", "lib", "lib64") else path


def program_name(path: str) -> str:
    """The name of a program in a directory that is searched for programs, without its version; "" elsewhere.

    ``gcc`` for ``gcc-12``, ``python3`` for ``python3.11``: Python's major number is part of its name.
    """
    if not path.startswith(PROGRAM_DIRECTORIES):
        return ""
    name = path.rpartition("/")[2]
    stem = _VERSION.sub("", name)
    if stem in ("python", "pip"):
        return name[: len(stem) + 1]
    return stem or name
