"""Start a proxy before servers that somebody else has started.

It lies in a guarded folder, as a stack does, and ends with the run, however that ends.
Add here: nothing. Keep out: the proxy (link_proxy.py), and before which servers it stands.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from perf_pipeline.config.hosts import Place
from perf_pipeline.narration import Say
from perf_pipeline.stack.embedded import guarded_folder
from perf_pipeline.stack.link_routes import links_before
from perf_pipeline.stack.links import start_links
from perf_pipeline.stack.parts import Endpoints, Stack
from perf_pipeline.stack.starting import with_links


@contextmanager
def proxy_before(
    state: Path,
    places: Mapping[str, Sequence[Place]],
    say: Say,
    tls: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Yield a stack that is nothing but a proxy between the load and servers of others.

    Args:
        state: folder of this machine's state.
        places: the places of the servers, by what the profile calls them.
        say: gets a sentence.
        tls: settings of librdkafka by which the load speaks TLS with brokers; None without TLS.

    Raises:
        StackError: the proxy does not start.
    """
    with guarded_folder(state, say=say) as folder:
        say(f"starting a proxy between the load and {', '.join(places)} ...")
        links = start_links(folder, links_before(places), {}, tls)
        yield with_links(Stack(folder.name, Endpoints(), (), folder, ()), links)
