"""Random catalogs and random sequences of tasks: the engine against the model."""
