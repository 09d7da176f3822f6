"""Let `python -m perf_pipeline` be the command line."""

from perf_pipeline.cli import main

if __name__ == "__main__":
    main()
