"""What every package shares and what belongs to no service: the context, the clock, names of OCI."""
