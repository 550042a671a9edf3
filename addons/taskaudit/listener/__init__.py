"""What the audit serves over HTTP while it runs: its status page."""
