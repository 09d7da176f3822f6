-- The tables of the Birthday Scheduler; applied by `migrate`, harmless when applied again.
-- There is deliberately no index on month and day of birthday_date: the database benchmark
-- measures with and without it.

create table if not exists users (
    id bigint generated always as identity primary key,
    first_name text not null,
    last_name text not null,
    email text not null unique,
    birthday_date date not null,
    timezone text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
);

-- Messages that the relay has yet to hand to the broker; a row goes once it is delivered.
create table if not exists outbox (
    id bigint generated always as identity primary key,
    message_id uuid not null default gen_random_uuid(),
    user_id bigint not null references users (id) on delete cascade,
    message_type text not null default 'birthday',
    scheduled_send_time timestamptz not null,
    content text not null
);

-- One row per message that a worker has sent; attempts > 1 tells of a re-delivery.
create table if not exists message_deliveries (
    message_id uuid primary key,
    user_id bigint not null references users (id) on delete cascade,
    attempts integer not null,
    completed_at timestamptz not null
);

-- When the relay handed it to the broker and when the worker began the sending; null where an
-- earlier relay or worker did not say.
alter table message_deliveries add column if not exists published_at timestamptz;
alter table message_deliveries add column if not exists received_at timestamptz;

-- Without these two, removing a user reads the whole of both tables for the cascade.
create index if not exists outbox_user_id on outbox (user_id);
create index if not exists message_deliveries_user_id on message_deliveries (user_id);
