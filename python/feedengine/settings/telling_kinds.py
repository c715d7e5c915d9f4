"""Kinds of values that telling people needs: mail addresses and web addresses."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from feedengine.settings.kinds import shown, text, texts

ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}", re.ASCII)


def addresses(raw: Any) -> list[str]:
    """Plain mail addresses, `name@host`: a wrong one would mean that nobody is told."""
    found = texts(raw)
    for each in found:
        if not ADDRESS.fullmatch(each):
            raise ValueError(f"must hold mail addresses such as ops@shop.example; not {shown(each)}")
    return found


def optional_address(raw: Any) -> str:
    """One mail address, or the empty text."""
    return addresses([text(raw)])[0] if raw else ""


def web_address(raw: Any) -> str:
    """An address to post to: https://, without a login in it. It may hold a token, so errors don't repeat it."""
    given = text(raw)
    try:
        url = urlsplit(given)
        sound = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        sound = False
    if not sound or not re.fullmatch(r"[!-~]+", given):
        raise ValueError('must be like "https://host/path"')
    if url.username is not None or url.password is not None:
        raise ValueError("must not hold a login; use secret_file, or a token in the path")
    return given
