-- Steps of a benchmark run one after another: the load generator can be the limit of one of them only.
alter table scenarios add column invalid_reasons varchar[] default [];
