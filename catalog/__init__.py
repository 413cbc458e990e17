"""Images, versions, subversions and the approved list.

Owns the names and the validity columns, which approvals alone writes, through this room's services.
Must not know reviews or scans.
"""
