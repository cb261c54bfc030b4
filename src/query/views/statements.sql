-- Every statement of the tenant that is not voided, one row each.
CREATE OR REPLACE VIEW {database}.statements AS
SELECT * EXCEPT (erasure)
FROM quipu.statement_log
PREWHERE tenant = {tenant}
WHERE voids OR id NOT IN (SELECT assumeNotNull(target) FROM quipu.statement_log PREWHERE tenant = {tenant} WHERE voids AND isNotNull(target))
