"""Reports of an audit, all drawn from one model."""
