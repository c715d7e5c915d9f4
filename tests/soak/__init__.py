"""A day in the life of the service, with a seed: real uploads, real faults, and an account of every file."""
