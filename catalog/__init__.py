"""Images, versions, subversions and the approved list. Validity columns are written by approvals alone, through this room's services."""
