"""The text of a bug report, and which finding it is about."""
