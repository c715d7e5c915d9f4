"""Tests of accounts and bans."""
