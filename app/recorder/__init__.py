"""What observes a run from outside: reads rings, captures output, enforces limits, writes the recording."""
