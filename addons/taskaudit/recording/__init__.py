"""The log written: records and their lines, a session of the audit, and its story as it grows."""
