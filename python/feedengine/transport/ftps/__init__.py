"""The FTPS server: pyftpdlib's protocol and loop, with our own TLS, data connections, landing and limits."""
