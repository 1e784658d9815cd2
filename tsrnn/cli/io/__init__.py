"""Rows of files and pipes: read, parsed, and written."""
