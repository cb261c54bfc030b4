-- By which definitions a version of the summaries was made: a program with others does not read it, for it may lack tables that this one has.
ALTER TABLE quipu.summaries ADD COLUMN IF NOT EXISTS definitions String;
