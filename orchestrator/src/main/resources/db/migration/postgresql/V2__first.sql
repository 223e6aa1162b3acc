-- The same tables as SQLite's after its V2, which is the first version that PostgreSQL has.
create table campaign (
  id      bigint generated always as identity primary key,
  name    text not null unique,
  created text not null
);

-- rowid is what SQLite calls it: the order of entering.
create table run (
  rowid    bigint generated always as identity unique,
  id       text primary key,
  key      text not null unique,
  campaign bigint not null references campaign (id),
  label    text not null,
  method   text not null,
  seed     bigint not null,
  status   text not null check (status in ('PLANNED', 'RUNNING', 'INTERRUPTED', 'FAILED', 'FINISHED')),
  reason   text not null,
  resolved text not null,
  created  text not null,
  started  text,
  changed  text not null
);

create index run_place on run (campaign, label, seed);
create index run_status on run (status, method);

create table variant (
  run      text primary key references run (id) on delete cascade,
  settings text not null
);

create table record (
  run     text not null references run (id) on delete cascade,
  section text not null,
  value   text not null,
  primary key (run, section)
);

create table trial (
  run        text not null references run (id) on delete cascade,
  generation integer not null,
  position   integer not null,
  cache_key  text not null,
  codes      text not null,
  accuracy   double precision not null,
  loss       double precision not null,
  trained    bigint not null,
  stored     bigint not null,
  folded     bigint not null,
  origin     text not null,
  primary key (run, generation, position),
  unique (run, cache_key)
);

create index trial_cache_key on trial (cache_key);

create table final (
  id         bigint generated always as identity primary key,
  run        text not null references run (id) on delete cascade,
  mode       text not null,
  is_primary integer not null check (is_primary in (0, 1)),
  record     text not null,
  unique (run, mode)
);

create unique index final_primary on final (run) where is_primary = 1;

create table test_opening (
  id     bigint generated always as identity primary key,
  run    text not null references run (id) on delete cascade,
  mode   text not null,
  opened text not null,
  unique (run, mode)
);

create table event (
  id   bigint generated always as identity primary key,
  run  text not null references run (id) on delete cascade,
  at   text not null,
  kind text not null,
  text text not null
);

create index event_run on event (run);

create table lease (
  subject  text primary key,
  run      text not null references run (id) on delete cascade,
  owner    text not null,
  token    bigint not null check (token > 0),
  renewed  bigint not null,
  expires  bigint not null,
  progress bigint not null,
  progressed bigint not null
);

create index lease_run on lease (run);

create table artifact (
  digest text primary key check (length(digest) = 64),
  size   bigint not null,
  added  text not null
);

create table run_artifact (
  run    text not null references run (id) on delete cascade,
  path   text not null,
  digest text not null references artifact (digest),
  primary key (run, path)
);

create index run_artifact_digest on run_artifact (digest);
