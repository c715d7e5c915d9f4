"""Tests of profiles: what they refuse, what they compile to, what names they read."""
