"""Pictures, tables and texts of a cluster as pure functions of plain data: no widgets, no notebook needed."""
