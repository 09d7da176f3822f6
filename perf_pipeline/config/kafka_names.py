"""The properties of librdkafka that a target may set, and those that are refused, with the reason.

A property is refused where it would make a figure wrong, where the load sets it by a key of its
own, or where it leads clients past what was checked. Names: librdkafka 2.16, CONFIGURATION.md.
Add here: a property of a newer librdkafka, in one of the two tables. Keep out: reading a profile's
table (kafka_properties.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_FREE: Final = """
api.version.fallback.ms api.version.request api.version.request.timeout.ms broker.address.family
broker.address.ttl broker.version.fallback check.crcs client.id client.rack
connections.max.idle.ms coordinator.query.interval.ms enable.metrics.push
enable.sparse.connections enable.ssl.certificate.verification fetch.error.backoff.ms
fetch.max.bytes fetch.message.max.bytes fetch.min.bytes fetch.queue.backoff.ms fetch.wait.max.ms
group.protocol group.remote.assignor heartbeat.interval.ms https.ca.location https.ca.pem
max.partition.fetch.bytes
max.poll.interval.ms message.copy.max.bytes message.max.bytes metadata.max.age.ms
metadata.recovery.rebootstrap.trigger.ms metadata.recovery.strategy
queue.buffering.backpressure.threshold queue.buffering.max.kbytes queue.buffering.max.messages
queued.max.messages.kbytes queued.min.messages receive.message.max.bytes reconnect.backoff.max.ms
reconnect.backoff.ms retry.backoff.max.ms retry.backoff.ms sasl.mechanism sasl.mechanisms
sasl.oauthbearer.client.credentials.client.id sasl.oauthbearer.client.credentials.client.secret
sasl.oauthbearer.client.id sasl.oauthbearer.client.secret sasl.oauthbearer.extensions
sasl.oauthbearer.method sasl.oauthbearer.scope sasl.oauthbearer.token.endpoint.url sasl.password
sasl.username security.protocol session.timeout.ms socket.connection.setup.timeout.ms
socket.keepalive.enable socket.max.fails socket.nagle.disable socket.receive.buffer.bytes
socket.send.buffer.bytes ssl.ca.location ssl.ca.pem ssl.certificate.location ssl.certificate.pem
ssl.cipher.suites ssl.crl.location ssl.curves.list ssl.endpoint.identification.algorithm
ssl.key.location ssl.key.password ssl.key.pem ssl.providers ssl.sigalgs.list
topic.metadata.propagation.max.ms topic.metadata.refresh.fast.interval.ms
topic.metadata.refresh.sparse
"""
FREE: Final = frozenset(_FREE.split())
SECRET: Final = frozenset(
    {
        "sasl.password",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.client.credentials.client.secret",
        "ssl.key.password",
        "ssl.key.pem",
    }
)
"""Properties whose values no file may hold."""
FILES: Final = frozenset(
    {
        "https.ca.location",
        "ssl.ca.location",
        "ssl.certificate.location",
        "ssl.crl.location",
        "ssl.key.location",
    }
)
"""Properties that are paths; a relative one starts at the profile's folder."""

_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "bootstrap.servers metadata.broker.list": (
            "clients would connect past the addresses that were checked; write them into brokers"
        ),
        "client.dns.lookup": "clients would connect to other names than those that were checked",
        "plugin.library.paths": "it puts somebody's code into the path that is measured",
        "ssl.engine.id ssl.engine.location": "it puts somebody's code into the client",
        "enable.auto.commit auto.commit.enable auto.commit.interval.ms": (
            "offsets would be committed before the work on their messages is done, so that "
            "consumer lag and lost messages came out too small; write commitInterval into the "
            "parameters of the scenario"
        ),
        "enable.auto.offset.store offset.store.method offset.store.path"
        " offset.store.sync.interval.ms": (
            "positions are stored when the work on a message is done, or lost messages would be "
            "missed"
        ),
        "auto.offset.reset": (
            "where a group begins is fixed before the load, or messages of earlier runs would count"
        ),
        "enable.partition.eof": "ends of partitions tell lost messages from marks of transactions",
        "isolation.level": "messages of aborted transactions would count as delivered",
        "group.id": "it is the key group of the target, or of the benchmark",
        "group.instance.id": "all workers would have the same one, and fence one another",
        "group.protocol.type": "a group that is no consumer group shares nothing out",
        "partition.assignment.strategy": (
            "this consumer takes whole assignments (range, roundrobin), and counts rebalances by "
            "them"
        ),
        "max.poll.records": "librdkafka does not fetch by it",
        "acks request.required.acks": (
            "it decides what a delivery report means; write acks into the parameters of a scenario "
            "with exec produce"
        ),
        "enable.idempotence max.in.flight max.in.flight.requests.per.connection retries"
        " message.send.max.retries enable.gapless.guarantee": (
            "a retry could write a message twice or out of order, which would be reported as the "
            "system's fault; write idempotent into the parameters of a scenario with exec produce"
        ),
        "transactional.id transaction.timeout.ms": (
            "all workers would have the same one, and fence one another; write transactional into "
            "the parameters of a scenario with exec produce"
        ),
        "compression.codec compression.type compression.level": (
            "it changes what is measured, so it belongs to the scenario: write compression into "
            "the parameters of a scenario with exec produce"
        ),
        "linger.ms queue.buffering.max.ms batch.size batch.num.messages"
        " sticky.partitioning.linger.ms": (
            "it changes what is measured, so it belongs to the scenario: write linger into its "
            "parameters"
        ),
        "message.timeout.ms delivery.timeout.ms request.timeout.ms": (
            "it decides when a delivery has failed; write timeout into the parameters of the "
            "scenario"
        ),
        "partitioner": (
            "it moves keys between partitions, and with them the skew that is measured; write "
            "partitioner into the parameters of a scenario with exec produce"
        ),
        "queuing.strategy": "messages would wait in another order than they were produced in",
        "delivery.report.only.error": "deliveries are counted by their reports",
        "produce.offset.report": "deliveries are counted by their reports",
        "socket.timeout.ms socket.blocking.max.ms": (
            "brokers that fall silent are noticed by it, within seconds"
        ),
        "topic.metadata.refresh.interval.ms topic.metadata.refresh.fast.cnt": (
            "new partitions would be found late, and what lies in them would look lost"
        ),
        "topic.blacklist": "messages of a topic that is left out would look lost",
        "allow.auto.create.topics": "a misspelt topic would be created and measured",
        "statistics.interval.ms": (
            "librdkafka would build its statistics inside of what is measured"
        ),
        "debug log_level log.queue log.thread.name log.connection.close enabled_events": (
            "librdkafka would write its log inside of what is measured"
        ),
        "test.mock.num.brokers test.mock.broker.rtt": "a mock broker would be measured",
        "builtin.features": "it is what the library was built with, and can't be chosen",
        "client.software.name client.software.version": "it tells brokers who asks",
        "internal.termination.signal enable.random.seed reconnect.backoff.jitter.ms"
        " metadata.request.timeout.ms share.acknowledgement.mode enable_sasl_queue"
        " consume.callback.max.messages": "it does nothing for the clients here",
        "sasl.kerberos.keytab sasl.kerberos.kinit.cmd sasl.kerberos.principal"
        " sasl.kerberos.min.time.before.relogin sasl.kerberos.service.name": (
            "Kerberos (GSSAPI) is not in this build of librdkafka; use SCRAM or OAUTHBEARER"
        ),
        "ssl.keystore.location ssl.keystore.password": (
            "keystores are not read here; write ssl.certificate.location and ssl.key.location (PEM)"
        ),
        "ssl.truststore.location ssl.ca.certificate.stores sasl.jaas.config": (
            "it belongs to Java or Windows; write ssl.ca.location, sasl.username and sasl.password"
        ),
        "enable.sasl.oauthbearer.unsecure.jwt sasl.oauthbearer.config": (
            "a token that nobody signed proves nothing; write sasl.oauthbearer.token.endpoint.url"
        ),
        "sasl.oauthbearer.grant.type sasl.oauthbearer.metadata.authentication.type"
        " sasl.oauthbearer.sub.claim.name sasl.oauthbearer.assertion.algorithm"
        " sasl.oauthbearer.assertion.claim.aud sasl.oauthbearer.assertion.claim.exp.seconds"
        " sasl.oauthbearer.assertion.claim.iss sasl.oauthbearer.assertion.claim.jti.include"
        " sasl.oauthbearer.assertion.claim.nbf.seconds sasl.oauthbearer.assertion.claim.sub"
        " sasl.oauthbearer.assertion.file sasl.oauthbearer.assertion.jwt.template.file"
        " sasl.oauthbearer.assertion.private.key.file"
        " sasl.oauthbearer.assertion.private.key.passphrase"
        " sasl.oauthbearer.assertion.private.key.pem": (
            "tokens are fetched with client credentials only (client.id and client.secret)"
        ),
    }
)
REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {name: reason for names, reason in _REASONS.items() for name in names.split()}
)
"""Property -> why it is refused."""
