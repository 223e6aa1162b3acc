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
-- What an evaluation found row by row, for paired tests against it. Kept apart from the trials, whose
-- lists are read often.
create table row_scores (
  cache_key text primary key,
  scores    bytea not null
);

-- Evaluations that a race stopped. Their own table, so that none of them is ever taken for a trial.
create table raced_trial (
  run        text not null references run (id) on delete cascade,
  generation integer not null,
  position   integer not null,
  race_key   text not null,
  codes      text not null,
  accuracy  double precision not null,
  loss      double precision not null,
  seen       integer not null,
  origin     text not null,
  primary key (run, generation, position),
  unique (run, race_key)
);

create index raced_trial_race_key on raced_trial (race_key);
-- Which evaluations are under way. A claim holds as long as the lease under which it was made: nobody renews it, and
-- one whose owner is dead is void.
create table claim (
  cache_key text primary key,
  subject   text not null references lease (subject) on delete cascade,
  token     bigint not null
);
insert into campaign overriding system value values (1, 'demo', '2026-11-25T10:19:19.538034269Z');
select setval(pg_get_serial_sequence('campaign', 'id'), greatest(1, (select max(id) from campaign)));
insert into run overriding system value values (1, 'demo-head-s0-d7ebdb42', 'd7ebdb42a2859c437a963a3737c867714ea62086c81cb6661c1af6bbc0596e52', 1, 'head', 'head', 0, 'FINISHED', '', '{"code":"code","methods":[{"label":"head","learning_rates":[0.001,0.003,0.01,0.03],"method":"head","training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4}}],"model":{"sha256":null,"source":"local:/models/tiny"},"name":"demo","runtime":{"device":"cpu","dtype":"float32","threads":2},"seeds":[0],"task":{"domain":"movies","max_length":64,"source":{"sha256":null,"source":"local:/data/tiny"},"split":{"seed":0,"test":2000,"train":800,"val":200},"threshold":0.5},"training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4},"version":1}', '2026-11-25T10:19:19.538034269Z', '2026-11-25T10:19:19.563892093Z', '2026-11-25T10:19:19.642409368Z');
insert into run overriding system value values (2, 'demo-lora-s0-255aeef3', '255aeef36fa2830c952609ff72971a479c14228bf113a3744d1551d120f020fb', 1, 'lora', 'lora', 0, 'FINISHED', '', '{"code":"code","methods":[{"alpha":8.0,"label":"lora","method":"lora","rank":4,"training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4}}],"model":{"sha256":null,"source":"local:/models/tiny"},"name":"demo","runtime":{"device":"cpu","dtype":"float32","threads":2},"seeds":[0],"task":{"domain":"movies","max_length":64,"source":{"sha256":null,"source":"local:/data/tiny"},"split":{"seed":0,"test":2000,"train":800,"val":200},"threshold":0.5},"training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4},"version":1}', '2026-11-25T10:19:19.659146249Z', '2026-11-25T10:19:19.674385198Z', '2026-11-25T10:19:19.752600228Z');
insert into run overriding system value values (3, 'demo-glora-s0-83b3120b', '83b3120b609a06860eb9a4dddba3bcb4b0f9f2fe122585a190bc4e4bdf614832', 1, 'glora', 'glora', 0, 'FINISHED', '', '{"code":"code","methods":[{"a_product":"hadamard","count":"folded","exclude":["pooler","classifier"],"final":["inherit","finetune"],"finetune":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":5.0E-5,"steps":2400,"warmup_steps":120,"weight_decay":1.0E-4},"forms":{"A":["none"],"B":["none","lora"],"C":["none"],"D":["none"],"E":["none","vector"]},"label":"glora","max_parameters":1000,"method":"glora","min_parameters":null,"primary":"inherit","ranks":[1,2,3,4,5,6,7,8],"retrain":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4},"search":{"attempts":10,"children":10,"crossover_probability":0.9,"crossovers":6,"evaluation":{"cache_mib":256,"forward":"auto"},"fitness":"loss","generations":3,"mutated_genes":1,"mutation_probability":0.05,"mutations":6,"over_limit":"repair","parents":4,"population":12,"racing":{"least_rows":20,"level":0.05,"test":"none"},"score_batches":25,"start":"taylor","strategy":"evolution","swap_probability":0.5,"swaps":40,"tournament":25},"supernet":{"sampling":{"A":{"none":1.0},"B":{"lora":1.0,"none":1.0},"C":{"none":1.0},"D":{"none":1.0},"E":{"none":1.0,"vector":1.0},"largest_probability":0.0,"largest_steps":3600},"training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":3600,"warmup_steps":120,"weight_decay":1.0E-4}},"targets":"all-linear","training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4}}],"model":{"sha256":null,"source":"local:/models/tiny"},"name":"demo","runtime":{"device":"cpu","dtype":"float32","threads":2},"seeds":[0],"task":{"domain":"movies","max_length":64,"source":{"sha256":null,"source":"local:/data/tiny"},"split":{"seed":0,"test":2000,"train":800,"val":200},"threshold":0.5},"training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4},"version":1}', '2026-11-25T10:19:19.761930232Z', '2026-11-25T10:19:19.769118626Z', '2026-11-25T10:19:19.850613979Z');
insert into run overriding system value values (4, 'demo-head-s1-a80c28a7', 'a80c28a76caaf9177998c70a31c0bf0ea01cef0d55fd260c460c14de0f62cf1c', 1, 'head', 'head', 1, 'FINISHED', '', '{"code":"code","methods":[{"label":"head","learning_rates":[0.001,0.003,0.01,0.03],"method":"head","training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4}}],"model":{"sha256":null,"source":"local:/models/tiny"},"name":"demo","runtime":{"device":"cpu","dtype":"float32","threads":2},"seeds":[1],"task":{"domain":"movies","max_length":64,"source":{"sha256":null,"source":"local:/data/tiny"},"split":{"seed":0,"test":2000,"train":800,"val":200},"threshold":0.5},"training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4},"version":1}', '2026-11-25T10:19:19.853083081Z', '2026-11-25T10:19:19.861449709Z', '2026-11-25T10:19:19.903684024Z');
insert into run overriding system value values (5, 'demo-lora-s1-678a1f97', '678a1f975e4fe6fd9c368deb9c665a333dedf8e31b211df7cc4da7109a297060', 1, 'lora', 'lora', 1, 'FINISHED', '', '{"code":"code","methods":[{"alpha":8.0,"label":"lora","method":"lora","rank":4,"training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4}}],"model":{"sha256":null,"source":"local:/models/tiny"},"name":"demo","runtime":{"device":"cpu","dtype":"float32","threads":2},"seeds":[1],"task":{"domain":"movies","max_length":64,"source":{"sha256":null,"source":"local:/data/tiny"},"split":{"seed":0,"test":2000,"train":800,"val":200},"threshold":0.5},"training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4},"version":1}', '2026-11-25T10:19:19.910788111Z', '2026-11-25T10:19:19.928619042Z', '2026-11-25T10:19:19.952419889Z');
insert into run overriding system value values (6, 'demo-glora-s1-b5b23454', 'b5b23454a0b2d0aaaba7ea1f42bc70e7a15cb0acc38597f81ee6015be359e28f', 1, 'glora', 'glora', 1, 'FINISHED', '', '{"code":"code","methods":[{"a_product":"hadamard","count":"folded","exclude":["pooler","classifier"],"final":["inherit","finetune"],"finetune":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":5.0E-5,"steps":2400,"warmup_steps":120,"weight_decay":1.0E-4},"forms":{"A":["none"],"B":["none","lora"],"C":["none"],"D":["none"],"E":["none","vector"]},"label":"glora","max_parameters":1000,"method":"glora","min_parameters":null,"primary":"inherit","ranks":[1,2,3,4,5,6,7,8],"retrain":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4},"search":{"attempts":10,"children":10,"crossover_probability":0.9,"crossovers":6,"evaluation":{"cache_mib":256,"forward":"auto"},"fitness":"loss","generations":3,"mutated_genes":1,"mutation_probability":0.05,"mutations":6,"over_limit":"repair","parents":4,"population":12,"racing":{"least_rows":20,"level":0.05,"test":"none"},"score_batches":25,"start":"taylor","strategy":"evolution","swap_probability":0.5,"swaps":40,"tournament":25},"supernet":{"sampling":{"A":{"none":1.0},"B":{"lora":1.0,"none":1.0},"C":{"none":1.0},"D":{"none":1.0},"E":{"none":1.0,"vector":1.0},"largest_probability":0.0,"largest_steps":3600},"training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":3600,"warmup_steps":120,"weight_decay":1.0E-4}},"targets":"all-linear","training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4}}],"model":{"sha256":null,"source":"local:/models/tiny"},"name":"demo","runtime":{"device":"cpu","dtype":"float32","threads":2},"seeds":[1],"task":{"domain":"movies","max_length":64,"source":{"sha256":null,"source":"local:/data/tiny"},"split":{"seed":0,"test":2000,"train":800,"val":200},"threshold":0.5},"training":{"batch_size":64,"checkpoint_every":100,"clip_norm":0.0,"dropout":0.0,"eval_batch_size":256,"final_learning_rate":1.0E-5,"learning_rate":1.0E-4,"steps":6000,"warmup_steps":120,"weight_decay":1.0E-4},"version":1}', '2026-11-25T10:19:19.955784379Z', '2026-11-25T10:19:19.965640272Z', '2026-11-25T10:19:20.019565487Z');
select setval(pg_get_serial_sequence('run', 'rowid'), greatest(1, (select max(rowid) from run)));
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'structure', '{"sites":[{"name":"encoder.layer.0.query","A":"none","B":"lora-4","C":"vector","D":"none","E":"scalar"},{"name":"encoder.layer.1.dense","A":"none","B":"none","C":"none","D":"none","E":"vector"}],"codes":"AAE="}');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'environment', '{"torch":"2.13.0","threads":2}');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'data', '{"rows":{"train":800,"val":200,"test":1234},"digest":"d"}');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'timings.download', '100.0');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'timings.prepare', '50.0');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'timings.supernet', '60.0');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'timings.search', '30.0');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'timings.final:inherit', '1.0');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'timings.final:finetune', '9.0');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'timings.merge:inherit', '1000.0');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'memory.supernet', '900.0');
insert into record overriding system value values ('demo-glora-s0-83b3120b', 'search', '{"evaluations":1050,"best":{"accuracy":0.81,"loss":0.4111}}');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'timings.search', '30.0');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'timings.supernet', '60.0');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'timings.prepare', '50.0');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'timings.download', '100.0');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'data', '{"rows":{"train":800,"val":200,"test":1234},"digest":"d"}');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'environment', '{"torch":"2.13.0","threads":2}');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'structure', '{"sites":[{"name":"encoder.layer.0.query","A":"none","B":"lora-4","C":"vector","D":"none","E":"scalar"},{"name":"encoder.layer.1.dense","A":"none","B":"none","C":"none","D":"none","E":"vector"}],"codes":"AAE="}');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'search', '{"evaluations":1050,"best":{"accuracy":0.81,"loss":0.4111}}');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'memory.supernet', '900.0');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'timings.merge:inherit', '1000.0');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'timings.final:finetune', '9.0');
insert into record overriding system value values ('demo-glora-s1-b5b23454', 'timings.final:inherit', '1.0');
insert into record overriding system value values ('demo-head-s0-d7ebdb42', 'environment', '{"torch":"2.13.0","threads":2}');
insert into record overriding system value values ('demo-head-s0-d7ebdb42', 'data', '{"rows":{"train":800,"val":200,"test":1234},"digest":"d"}');
insert into record overriding system value values ('demo-head-s0-d7ebdb42', 'timings.download', '100.0');
insert into record overriding system value values ('demo-head-s0-d7ebdb42', 'timings.prepare', '50.0');
insert into record overriding system value values ('demo-head-s0-d7ebdb42', 'timings.train', '40.0');
insert into record overriding system value values ('demo-head-s0-d7ebdb42', 'memory.train', '700.0');
insert into record overriding system value values ('demo-head-s1-a80c28a7', 'memory.train', '700.0');
insert into record overriding system value values ('demo-head-s1-a80c28a7', 'environment', '{"torch":"2.13.0","threads":2}');
insert into record overriding system value values ('demo-head-s1-a80c28a7', 'data', '{"rows":{"train":800,"val":200,"test":1234},"digest":"d"}');
insert into record overriding system value values ('demo-head-s1-a80c28a7', 'timings.download', '100.0');
insert into record overriding system value values ('demo-head-s1-a80c28a7', 'timings.prepare', '50.0');
insert into record overriding system value values ('demo-head-s1-a80c28a7', 'timings.train', '40.0');
insert into record overriding system value values ('demo-lora-s0-255aeef3', 'environment', '{"torch":"2.13.0","threads":2}');
insert into record overriding system value values ('demo-lora-s0-255aeef3', 'memory.train', '700.0');
insert into record overriding system value values ('demo-lora-s0-255aeef3', 'timings.train', '40.0');
insert into record overriding system value values ('demo-lora-s0-255aeef3', 'timings.prepare', '50.0');
insert into record overriding system value values ('demo-lora-s0-255aeef3', 'timings.download', '100.0');
insert into record overriding system value values ('demo-lora-s0-255aeef3', 'data', '{"rows":{"train":800,"val":200,"test":1234},"digest":"d"}');
insert into record overriding system value values ('demo-lora-s1-678a1f97', 'environment', '{"torch":"2.13.0","threads":2}');
insert into record overriding system value values ('demo-lora-s1-678a1f97', 'memory.train', '700.0');
insert into record overriding system value values ('demo-lora-s1-678a1f97', 'timings.train', '40.0');
insert into record overriding system value values ('demo-lora-s1-678a1f97', 'timings.prepare', '50.0');
insert into record overriding system value values ('demo-lora-s1-678a1f97', 'timings.download', '100.0');
insert into record overriding system value values ('demo-lora-s1-678a1f97', 'data', '{"rows":{"train":800,"val":200,"test":1234},"digest":"d"}');
insert into trial overriding system value values ('demo-glora-s0-83b3120b', 0, 0, 'kdemo-glora-s0-83b3120b', 'AAE=', 0.81, 0.41, 30, 20, 10, 'taylor');
insert into trial overriding system value values ('demo-glora-s1-b5b23454', 0, 0, 'kdemo-glora-s1-b5b23454', 'AAE=', 0.81, 0.41, 30, 20, 10, 'taylor');
insert into raced_trial overriding system value values ('demo-glora-s0-83b3120b', 1, 0, 'racedemo-glora-s0-83b3120b', 'AAI=', 0.5, 0.7, 40, 'mutation');
insert into final overriding system value values (1, 'demo-head-s0-d7ebdb42', 'train', 1, '{"mode":"train","parameters":{"trainable":770,"adapter":0,"stored":0,"folded":0,"total":22000000},"metrics":{"val":{"accuracy":0.7,"loss":0.5},"test":{"accuracy":0.69,"loss":0.5,"macro_f1":0.6799999999999999}},"merge":{"max_abs_diff":1.25E-7,"identical":200,"rows":200},"digests":{"structure":"s","adapter":"a","merged":"mtrain"}}');
insert into final overriding system value values (2, 'demo-lora-s0-255aeef3', 'train', 1, '{"mode":"train","parameters":{"trainable":770,"adapter":0,"stored":0,"folded":0,"total":22000000},"metrics":{"val":{"accuracy":0.7,"loss":0.5},"test":{"accuracy":0.69,"loss":0.5,"macro_f1":0.6799999999999999}},"merge":{"max_abs_diff":1.25E-7,"identical":200,"rows":200},"digests":{"structure":"s","adapter":"a","merged":"mtrain"}}');
insert into final overriding system value values (3, 'demo-glora-s0-83b3120b', 'inherit', 1, '{"mode":"inherit","parameters":{"trainable":935,"adapter":165,"stored":165,"folded":82,"total":22000000},"metrics":{"val":{"accuracy":0.8,"loss":0.5},"test":{"accuracy":0.79,"loss":0.5,"macro_f1":0.78}},"merge":{"max_abs_diff":1.25E-7,"identical":200,"rows":200},"digests":{"structure":"s","adapter":"a","merged":"minherit"}}');
insert into final overriding system value values (4, 'demo-glora-s0-83b3120b', 'finetune', 0, '{"mode":"finetune","parameters":{"trainable":935,"adapter":165,"stored":165,"folded":82,"total":22000000},"metrics":{"val":{"accuracy":0.82,"loss":0.5},"test":{"accuracy":0.815,"loss":0.5,"macro_f1":0.8049999999999999}},"merge":{"max_abs_diff":1.25E-7,"identical":200,"rows":200},"digests":{"structure":"s","adapter":"a","merged":"mfinetune"}}');
insert into final overriding system value values (5, 'demo-head-s1-a80c28a7', 'train', 1, '{"mode":"train","parameters":{"trainable":770,"adapter":0,"stored":0,"folded":0,"total":22000000},"metrics":{"val":{"accuracy":0.72,"loss":0.5},"test":{"accuracy":0.69,"loss":0.5,"macro_f1":0.6799999999999999}},"merge":{"max_abs_diff":1.25E-7,"identical":200,"rows":200},"digests":{"structure":"s","adapter":"a","merged":"mtrain"}}');
insert into final overriding system value values (6, 'demo-lora-s1-678a1f97', 'train', 1, '{"mode":"train","parameters":{"trainable":770,"adapter":0,"stored":0,"folded":0,"total":22000000},"metrics":{"val":{"accuracy":0.72,"loss":0.5},"test":{"accuracy":0.69,"loss":0.5,"macro_f1":0.6799999999999999}},"merge":{"max_abs_diff":1.25E-7,"identical":200,"rows":200},"digests":{"structure":"s","adapter":"a","merged":"mtrain"}}');
insert into final overriding system value values (7, 'demo-glora-s1-b5b23454', 'inherit', 1, '{"mode":"inherit","parameters":{"trainable":935,"adapter":165,"stored":165,"folded":82,"total":22000000},"metrics":{"val":{"accuracy":0.81,"loss":0.5},"test":{"accuracy":0.79,"loss":0.5,"macro_f1":0.78}},"merge":{"max_abs_diff":1.25E-7,"identical":200,"rows":200},"digests":{"structure":"s","adapter":"a","merged":"minherit"}}');
insert into final overriding system value values (8, 'demo-glora-s1-b5b23454', 'finetune', 0, '{"mode":"finetune","parameters":{"trainable":935,"adapter":165,"stored":165,"folded":82,"total":22000000},"metrics":{"val":{"accuracy":0.82,"loss":0.5},"test":{"accuracy":0.815,"loss":0.5,"macro_f1":0.8049999999999999}},"merge":{"max_abs_diff":1.25E-7,"identical":200,"rows":200},"digests":{"structure":"s","adapter":"a","merged":"mfinetune"}}');
select setval(pg_get_serial_sequence('final', 'id'), greatest(1, (select max(id) from final)));
insert into test_opening overriding system value values (1, 'demo-head-s0-d7ebdb42', 'train', '2026-01-01T00:00:00Z');
insert into test_opening overriding system value values (2, 'demo-lora-s0-255aeef3', 'train', '2026-01-01T00:00:00Z');
insert into test_opening overriding system value values (3, 'demo-glora-s0-83b3120b', 'inherit', '2026-01-01T00:00:00Z');
insert into test_opening overriding system value values (4, 'demo-glora-s0-83b3120b', 'finetune', '2026-01-01T00:00:01Z');
insert into test_opening overriding system value values (5, 'demo-head-s1-a80c28a7', 'train', '2026-01-01T00:00:00Z');
insert into test_opening overriding system value values (6, 'demo-lora-s1-678a1f97', 'train', '2026-01-01T00:00:00Z');
insert into test_opening overriding system value values (7, 'demo-glora-s1-b5b23454', 'inherit', '2026-01-01T00:00:00Z');
insert into test_opening overriding system value values (8, 'demo-glora-s1-b5b23454', 'finetune', '2026-01-01T00:00:01Z');
select setval(pg_get_serial_sequence('test_opening', 'id'), greatest(1, (select max(id) from test_opening)));
insert into event overriding system value values (1, 'demo-head-s0-d7ebdb42', '2026-11-25T10:19:19.563892093Z', 'RUNNING', '');
insert into event overriding system value values (2, 'demo-head-s0-d7ebdb42', '2026-11-25T10:19:19.642409368Z', 'FINISHED', '');
insert into event overriding system value values (3, 'demo-lora-s0-255aeef3', '2026-11-25T10:19:19.674385198Z', 'RUNNING', '');
insert into event overriding system value values (4, 'demo-lora-s0-255aeef3', '2026-11-25T10:19:19.752600228Z', 'FINISHED', '');
insert into event overriding system value values (5, 'demo-glora-s0-83b3120b', '2026-11-25T10:19:19.769118626Z', 'RUNNING', '');
insert into event overriding system value values (6, 'demo-glora-s0-83b3120b', '2026-11-25T10:19:19.850613979Z', 'FINISHED', '');
insert into event overriding system value values (7, 'demo-head-s1-a80c28a7', '2026-11-25T10:19:19.861449709Z', 'RUNNING', '');
insert into event overriding system value values (8, 'demo-head-s1-a80c28a7', '2026-11-25T10:19:19.903684024Z', 'FINISHED', '');
insert into event overriding system value values (9, 'demo-lora-s1-678a1f97', '2026-11-25T10:19:19.928619042Z', 'RUNNING', '');
insert into event overriding system value values (10, 'demo-lora-s1-678a1f97', '2026-11-25T10:19:19.952419889Z', 'FINISHED', '');
insert into event overriding system value values (11, 'demo-glora-s1-b5b23454', '2026-11-25T10:19:19.965640272Z', 'RUNNING', '');
insert into event overriding system value values (12, 'demo-glora-s1-b5b23454', '2026-11-25T10:19:20.019565487Z', 'FINISHED', '');
insert into event overriding system value values (13, 'demo-glora-s0-83b3120b', '2026-11-25T10:19:20.094909089Z', 'STAGE', 'search');
select setval(pg_get_serial_sequence('event', 'id'), greatest(1, (select max(id) from event)));
insert into lease overriding system value values ('demo-glora-s0-83b3120b', 'demo-glora-s0-83b3120b', 'worker-1', 1, 1795601960099, 1795601960099, 0, 1795601960099);
insert into claim overriding system value values ('k1', 'demo-glora-s0-83b3120b', 1);
create table flyway_schema_history (
  installed_rank integer primary key, version varchar(50), description varchar(200) not null,
  type varchar(20) not null, script varchar(1000) not null, checksum integer,
  installed_by varchar(100) not null, installed_on timestamp not null default now(),
  execution_time integer not null, success boolean not null);
insert into flyway_schema_history values (1, '2', 'first', 'SQL', 'V2__first.sql', -710678174, 'postgres', '2026-11-25 10:19:19.228614', 105, true);
insert into flyway_schema_history values (2, '3', 'racing', 'SQL', 'V3__racing.sql', 769430461, 'postgres', '2026-11-25 10:19:19.404222', 85, true);
insert into flyway_schema_history values (3, '4', 'claims', 'SQL', 'V4__claims.sql', 76161279, 'postgres', '2026-11-25 10:19:19.510966', 2, true);
