"""What rows of a feed may do to the catalog: modes of entities against a slow, obvious model."""
