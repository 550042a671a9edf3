"""What is done with findings, as the configuration says it."""
