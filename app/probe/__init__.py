"""What runs inside the observed process: a preloaded C library, a C extension, and the code that installs its hooks."""
