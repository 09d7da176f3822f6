alter table benchmarks add column damage varchar[] default [];
update benchmarks set damage = [] where damage is null;
