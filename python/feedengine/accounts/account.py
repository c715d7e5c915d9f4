"""An account: who may log in, where its files are, what it may do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """A login of a partner. It sees its own home only, as `/`.

    `home` is the name of its folder under `store/homes`. `keys` are the catalogs' keys it may send feeds for (empty =
    any); `may` are letters: l list and change folder, r read, w write, d delete, n rename, m make folders. `quota` is
    in bytes and `most_connections` a number of sessions, 0 = no limit. `from_addresses` are networks (CIDR) it may come
    from (empty = any). `tls_eof` says what an upload is whose TLS connection ended without close_notify: strict
    (incomplete), verify (accepted, held where it could remove records), lenient; empty = as the server's setting.
    `mail` is told of its feeds. `role` tells a role account, used by programs, from a person's.
    """

    name: str
    home: str
    keys: tuple[str, ...] = ()
    may: str = "lrwdnm"
    quota: int = 0
    most_connections: int = 0
    from_addresses: tuple[str, ...] = ()
    tls_eof: str = ""
    mail: tuple[str, ...] = ()
    disabled: bool = False
    role: bool = False
