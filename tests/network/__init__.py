"""The service under bad networks and bad users: a misbehaving proxy, hostile sessions, storms."""
