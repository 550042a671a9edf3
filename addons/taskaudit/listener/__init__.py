"""What the audit serves over HTTP while it runs: its status page, its health, its metrics."""
