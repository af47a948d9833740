"""What the samples, and the movies of tests and benchmarks, are made with; not in the wheel."""
