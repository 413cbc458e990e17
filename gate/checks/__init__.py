"""The checks of one image, one module a family. Pure: facts, policy and the moment in, a ``Check`` out.

A check that comes later (``content``, ``context``) is a module here and a line in ``gate.engine``.
"""
