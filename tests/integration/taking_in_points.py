"""Where a worker that takes a build in is killed: after which effect, and the how manyeth of it."""

POINTS = {
    "artifact recorded": ("registry", "take_archive", 1),
    "first blob sent": ("client", "put_blob", 1),
    "last blob sent": ("client", "put_blob", 2),
    "manifest sent": ("client", "put_manifest", 1),
    "tag sent": ("client", "put_manifest", 2),
    "copied": ("registry", "copy_artifact", 1),
    "subversion written, not committed": ("catalog", "add_subversion", 1),
    "committed": ("taking_in", "add_candidate", 1),
    "directory removed": ("taking_in", "drop_directory", 1),
}
