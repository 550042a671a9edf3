"""`taskaudit check`: captures in, outcomes in order out."""
