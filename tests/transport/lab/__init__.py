"""Other people's servers, started for a test: vsftpd, ProFTPD, pure-ftpd, OpenSSH."""
