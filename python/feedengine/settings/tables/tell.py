"""Settings of mail, alarms, metrics and logs, and what `[webhooks.NAME]` may say."""

from __future__ import annotations

from feedengine.settings import kinds, telling_kinds
from feedengine.settings.setting import REQUIRED, Key, Setting

#: What mails and webhooks can be about.
EVENTS = ("success", "errors", "failure", "hold", "incident")

ROWS: tuple[Setting, ...] = (
    Setting("log", "level", kinds.choice("info", "debug", "warning", "error"), "info", "the least level that is kept"),
    Setting("log", "format", kinds.choice("json", "text"), "json", "JSON lines, or text for people at a terminal"),
    Setting("log", "place", kinds.choice("stderr", "file"), "stderr", "stderr, or files under log in the store"),
    Setting("log", "max_bytes", kinds.size(2**20), 64 * 2**20, "a log file larger than this is put aside"),
    Setting("log", "keep", kinds.whole(0, 1000), 10, "log files kept besides the current one"),
    Setting("log", "mode", kinds.choice("0600", "0640"), "0600", "who may read log files: 0640 lets the group"),
    Setting("mail", "host", kinds.text, "", "SMTP server; empty = no mail is sent"),
    Setting("mail", "port", kinds.whole(1, 65535), 587, "port of the SMTP server"),
    Setting(
        "mail",
        "security",
        kinds.choice("starttls", "tls", "none"),
        "starttls",
        "STARTTLS, TLS from the start, or none (only for a server on this machine)",
    ),
    Setting("mail", "verify", kinds.text, "system", 'certificates that are trusted: "system" or a file of them'),
    Setting("mail", "user", kinds.text, "", "login at the SMTP server; empty = none"),
    Setting("mail", "password_file", kinds.optional_text, None, "file that holds the SMTP password"),
    Setting("mail", "password_env", kinds.optional_text, None, "environment variable that holds the SMTP password"),
    Setting("mail", "from", telling_kinds.optional_address, "", "sender's address; empty = feedengine@ this host"),
    Setting("mail", "to", telling_kinds.addresses, [], "addresses that are told of everything in mail.on"),
    Setting(
        "mail", "on", kinds.words(*EVENTS), ["failure", "hold", "incident"], f"what mail.to hears: {', '.join(EVENTS)}"
    ),
    Setting(
        "mail",
        "on_account",
        kinds.words(*EVENTS[:-1]),
        ["errors", "failure", "hold"],
        f"what the addresses of the account that sent the feed hear: {', '.join(EVENTS[:-1])}",
    ),
    Setting("mail", "each", kinds.flag, False, "a mail for each failed task, not one while the same problem is open"),
    Setting("mail", "reminder", kinds.whole(0, 8760), 24, "hours until an open incident is told again; 0 = never"),
    Setting("mail", "attach_limit", kinds.size(), 2**20, "errors.csv is attached up to this size; 0 = never"),
    Setting("mail", "timeout", kinds.whole(1, 600), 30, "seconds that the SMTP server may take for an answer"),
    Setting("mail", "attempts", kinds.whole(1, 100), 12, "attempts for a mail or webhook before it is given up"),
    Setting("health", "host", kinds.text, "127.0.0.1", "address of /health and /metrics"),
    Setting("health", "port", kinds.whole(0, 65535), 2180, "port of /health and /metrics; 0 = off"),
    Setting("alarms", "disk_free", kinds.size(), 2 * 10**9, "less free space on the store's disk is an alarm"),
    Setting(
        "alarms", "certificate_days", kinds.whole(0, 3650), 21, "so many days before a certificate ends are an alarm"
    ),
    Setting("alarms", "keep_days", kinds.whole(1, 36500), 90, "days that closed incidents and sent messages are kept"),
)

#: Keys of `[webhooks.NAME]`.
KEYS: tuple[Key, ...] = (
    Key("url", telling_kinds.web_address, REQUIRED, "where the JSON is posted: https://, or http:// on this machine"),
    Key("events", kinds.words(*EVENTS), ["failure", "hold", "incident"], f"what is told: {', '.join(EVENTS)}"),
    Key("catalogs", kinds.texts, [], "catalogs (key/section, or key/*) whose tasks are told; empty = all"),
    Key("secret_file", kinds.optional_text, None, "file that holds the secret that signs"),
    Key("secret_env", kinds.optional_text, None, "environment variable that holds the secret that signs"),
    Key("verify", kinds.text, "system", 'certificates that are trusted: "system" or a file of them'),
    Key("timeout", kinds.whole(1, 600), 20, "seconds that the receiver may take for an answer"),
)
