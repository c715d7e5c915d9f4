"""What we use of pyftpdlib, imported in the one order in which Python 3.11 does not warn of its old modules."""

# ruff: noqa: I001
from __future__ import annotations

# First: it loads asyncore and asynchat with their deprecation warnings held back.
from pyftpdlib.ioloop import AsyncChat, IOLoop
from pyftpdlib.ioloop import _Scheduler as UpstreamScheduler

from pyftpdlib.exceptions import _RetryError as NotYet
from pyftpdlib.filesystems import AbstractedFS, FilesystemError
from pyftpdlib.handlers.ftp.control import FTPHandler, proto_cmds
from pyftpdlib.handlers.ftp.data import DTPHandler
from pyftpdlib.handlers.ftp.producers import FileProducer
from pyftpdlib.log import logger
from pyftpdlib.servers import FTPServer

__all__ = [
    "AbstractedFS",
    "AsyncChat",
    "DTPHandler",
    "FTPHandler",
    "FTPServer",
    "FileProducer",
    "FilesystemError",
    "IOLoop",
    "NotYet",
    "UpstreamScheduler",
    "logger",
    "proto_cmds",
]
