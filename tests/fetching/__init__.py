"""Tests of fetching: choosing, schedules, runs, the part of the service, kills."""
