-- "if not exists" throughout: a process killed between this script's commit and Flyway's note of it
-- runs the script again.
create table if not exists campaign (
  id      integer primary key,
  name    text not null unique,
  created text not null
);

create table if not exists run (
  id       text primary key,
  key      text not null unique,
  campaign integer not null references campaign (id),
  label    text not null,
  method   text not null,
  seed     integer not null,
  status   text not null check (status in ('PLANNED', 'RUNNING', 'INTERRUPTED', 'FAILED', 'FINISHED')),
  reason   text not null,
  resolved text not null,
  created  text not null,
  started  text,
  changed  text not null
);

create index if not exists run_campaign on run (campaign);

create table if not exists record (
  run     text not null references run (id) on delete cascade,
  section text not null,
  value   text not null,
  primary key (run, section)
) without rowid;

create table if not exists trial (
  run        text not null references run (id) on delete cascade,
  generation integer not null,
  position   integer not null,
  cache_key  text not null,
  codes      text not null,
  accuracy   real not null,
  loss       real not null,
  trained    integer not null,
  stored     integer not null,
  folded     integer not null,
  origin     text not null,
  primary key (run, generation, position),
  unique (run, cache_key)
) without rowid;

create index if not exists trial_cache_key on trial (cache_key);

create table if not exists final (
  id         integer primary key,
  run        text not null references run (id) on delete cascade,
  mode       text not null,
  is_primary integer not null check (is_primary in (0, 1)),
  record     text not null,
  unique (run, mode)
);

create unique index if not exists final_primary on final (run) where is_primary = 1;

create table if not exists test_opening (
  id     integer primary key autoincrement,
  run    text not null references run (id) on delete cascade,
  mode   text not null,
  opened text not null,
  unique (run, mode)
);

create table if not exists event (
  id   integer primary key autoincrement,
  run  text not null references run (id) on delete cascade,
  at   text not null,
  kind text not null,
  text text not null
);

create index if not exists event_run on event (run);

pragma user_version = 1;
