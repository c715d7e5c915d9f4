"""The side-by-side harness: data, contenders, measuring, the table."""
