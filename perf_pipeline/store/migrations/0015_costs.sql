-- What a tier's time went into while the load ran: what its sessions waited for, and its statements.
create table costs (
    run_id varchar not null,
    benchmark varchar not null,
    tier varchar not null,
    kind varchar not null,
    name varchar not null,
    value double not null,
    calls bigint not null
);
