"""What `[sources.NAME]` and `[targets.NAME]` say about the server they speak of."""

from __future__ import annotations

from feedengine.settings import kinds
from feedengine.settings.setting import Key

SCHEMES = ("ftps", "ftps-implicit", "ftp", "sftp", "local")

#: Keys that lead to a `transport.Place`; `transport.connecting.place_of` reads them.
CONNECTION: tuple[Key, ...] = (
    Key("url", kinds.text, "", "server and folder in one: ftps://user@host:21/folder, sftp://..., or a local path"),
    Key("scheme", kinds.choice("", *SCHEMES), "", "instead of url: ftps, ftps-implicit, ftp (no TLS), sftp or local"),
    Key("host", kinds.text, "", "instead of url: the server's name"),
    Key("port", kinds.whole(0, 65535), 0, "instead of url: its port; 0 = the protocol's own"),
    Key("user", kinds.text, "", "instead of url: the login"),
    Key("path", kinds.text, "", "instead of url: the folder; without a leading / it is below the login's own folder"),
    Key("password_env", kinds.text, "", "environment variable that holds the password"),
    Key("password_file", kinds.text, "", "file that holds the password, readable by its owner only"),
    Key("key_file", kinds.text, "", "sftp: our private key"),
    Key(
        "known_host",
        kinds.text,
        "",
        "sftp: the server's key, a line of known_hosts or SHA256:...; off = any",
    ),
    Key("verify", kinds.text, "system", 'certificates to trust: "system", a PEM file, or "off" for none at all'),
    Key("trust_address", kinds.flag, False, "take the data address that the server names (load balancers)"),
    Key("timeout", kinds.duration(0.1), 30.0, "seconds to wait for an answer"),
)
