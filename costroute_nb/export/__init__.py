"""Reports as files: a page that needs no network, and a table."""
