"""Audits how a cloud API answers the submission of asynchronous tasks."""

__version__ = "0.1.0"
