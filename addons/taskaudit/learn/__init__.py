"""`taskaudit learn`: a service file from what was seen of a service, or from what is published of it."""
