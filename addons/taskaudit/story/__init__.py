"""Logs told: jobs to their end, findings by fingerprint, operations; and their tables."""
