-- What an evaluation found row by row, for paired tests against it. Kept apart from the trials, whose
-- lists are read often.
create table if not exists row_scores (
  cache_key text primary key,
  scores    blob not null
) without rowid;

-- Evaluations that a race stopped. Their own table, so that none of them is ever taken for a trial.
create table if not exists raced_trial (
  run        text not null references run (id) on delete cascade,
  generation integer not null,
  position   integer not null,
  race_key   text not null,
  codes      text not null,
  accuracy   real not null,
  loss       real not null,
  seen       integer not null,
  origin     text not null,
  primary key (run, generation, position),
  unique (run, race_key)
) without rowid;

create index if not exists raced_trial_race_key on raced_trial (race_key);

pragma user_version = 3;
