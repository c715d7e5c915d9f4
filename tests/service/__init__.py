"""The service: queue, reception, workers, follow-ups, supervisor, kills."""
