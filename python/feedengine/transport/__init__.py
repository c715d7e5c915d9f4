"""Transport: files come in and go out; servers (FTPS, SFTP) and clients; the only importer of the FTP libraries."""
