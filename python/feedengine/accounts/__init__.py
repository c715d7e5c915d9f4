"""Accounts: who may log in, with which password, who is banned for guessing; knows no network."""

from feedengine.accounts.account import Account

__all__ = ["Account"]
