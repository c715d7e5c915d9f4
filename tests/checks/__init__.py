"""What profiles demand of values, rows and columns, held against slow and obvious models."""
