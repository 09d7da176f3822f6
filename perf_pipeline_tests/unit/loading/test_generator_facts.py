"""What the fingerprint says of the load generator."""

from perf_pipeline.loading.environment import generator_facts


def test_runs_of_a_compiled_load_generator_have_a_fingerprint_of_their_own() -> None:
    # The suffix of a C extension: PEP 3149.
    compiled = generator_facts("/lib/perf_pipeline/recorder.cpython-311-x86_64-linux-gnu.so")

    assert compiled == {"load_generator": "compiled"}


def test_a_load_generator_of_sources_adds_nothing_to_the_fingerprint() -> None:
    assert generator_facts("/lib/perf_pipeline/engine/recorder.py") == {}
