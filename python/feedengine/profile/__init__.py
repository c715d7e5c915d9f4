"""Profiles: what a partner's feed is, declared in TOML; strict, and compiled to what the engine takes.

`load("wizcommerce")` gives one that ships with the engine, `load("partner.toml")` a user's own. docs/profiles.md has
every key.
"""

from feedengine.profile.load import BUILTIN, DEFAULT, load, loads
from feedengine.profile.model import EntityDeclaration, Field, Naming, Profile
from feedengine.profile.naming import parse_name

__all__ = ["BUILTIN", "DEFAULT", "EntityDeclaration", "Field", "Naming", "Profile", "load", "loads", "parse_name"]
