"""Becomes another program, with limits and without a network. Run as a script of its own: never imported.

``python -I -S limited.py DATA_BYTES FILE_BYTES CPU_SECONDS -- PROGRAM ARGUMENT…``; ``network`` in the place of ``--``
keeps the network, for what must reach an address that was judged before. Limits are set here, in the child,
since setting them between fork and exec of a threaded parent is not safe. Where the kernel lets us, the
child gets a network namespace with nothing in it; where not, it still has no proxy and no name to ask for.
"""

import ctypes
import os
import resource
import signal
import sys

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1


def main() -> None:
    """Set the limits, leave the network, become the program."""
    data_bytes, file_bytes, cpu_seconds = (int(text) for text in sys.argv[1:4])
    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Python ignores both, and what it becomes would too: a program that never looks at errors would write on and on.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        libc = ctypes.CDLL(None)
        if sys.argv[4] != "network" and libc.unshare(CLONE_NEWNET) != 0:
            libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
        # After unshare, which clears it: a worker that is killed takes its child along.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        pass  # not Linux: the limits above are what there is
    os.execv(sys.argv[5], sys.argv[5:])  # noqa: S606


main()
