"""Reads an image's layers in a child process of its own: their bytes are hostile.

``parent`` starts the child and checks what it wrote; ``child`` is that process. Nothing is imported here, since the
child starts with this package and every import is time before it reads.
"""
