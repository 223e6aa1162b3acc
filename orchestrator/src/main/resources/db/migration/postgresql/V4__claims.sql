-- Which evaluations are under way. A claim holds as long as the lease under which it was made: nobody renews it, and
-- one whose owner is dead is void.
create table claim (
  cache_key text primary key,
  subject   text not null references lease (subject) on delete cascade,
  token     bigint not null
);
