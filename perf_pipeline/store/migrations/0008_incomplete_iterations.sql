-- Iterations that left operations out although all that they made went well (null: nobody counted).
alter table scenarios add column incomplete_iterations bigint;
