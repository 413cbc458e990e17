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
# A walk with an index of two images, one further effect at a time: what was sent before is not sent again.
WALK_OF_AN_INDEX = [
    "artifact recorded",
    *["first blob sent"] * 4,  # two configurations and two layers
    *["manifest sent"] * 4,  # of each image, of the index, the tag
    "committed",
]
