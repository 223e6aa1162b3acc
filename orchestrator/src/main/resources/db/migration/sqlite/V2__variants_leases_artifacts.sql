-- "if not exists" throughout, as in V1.

-- What an experiment's matrix set in a run; runs of experiments without one have no row.
create table if not exists variant (
  run      text primary key references run (id) on delete cascade,
  settings text not null
) without rowid;

create index if not exists run_place on run (campaign, label, seed);
create index if not exists run_status on run (status, method);

-- Who may work on something, until when. The token grows with every holder and outlives them: a write under an
-- older one is refused. Times are milliseconds since 1970 by the database's clock.
create table if not exists lease (
  subject  text primary key,
  run      text not null references run (id) on delete cascade,
  owner    text not null,
  token    integer not null check (token > 0),
  renewed  integer not null,
  expires  integer not null,
  progress integer not null,
  progressed integer not null
) without rowid;

create index if not exists lease_run on lease (run);

-- Files by their content, and the runs that they are results of.
create table if not exists artifact (
  digest text primary key check (length(digest) = 64),
  size   integer not null,
  added  text not null
) without rowid;

create table if not exists run_artifact (
  run    text not null references run (id) on delete cascade,
  path   text not null,
  digest text not null references artifact (digest),
  primary key (run, path)
) without rowid;

create index if not exists run_artifact_digest on run_artifact (digest);

pragma user_version = 2;
