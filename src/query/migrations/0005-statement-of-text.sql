-- The JSON of a statement is made of its text, which is then sent once. A table that was being filled anew is begun again.
DROP TABLE IF EXISTS quipu.statement_log_rebuild SYNC;
ALTER TABLE quipu.statement_log
    MODIFY COLUMN statement DEFAULT CAST(if(refused OR empty(text), '{}', text), 'JSON(max_dynamic_paths=128)');
