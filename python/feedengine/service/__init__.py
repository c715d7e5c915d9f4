"""The service: when things happen. Queue, workers, schedules, follow-ups, and the process that keeps them running."""
