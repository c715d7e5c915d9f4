"""Every square of the truth tables, generated: the engine against the model."""
