"""The configuration: settings and route catalogue from YAML, and what is said of a wrong one."""
