-- Every statement of the tenant that is not voided, one row each. Where nothing is voided, ids are not read at all.
SELECT * EXCEPT (erasure)
FROM quipu.statement_log
PREWHERE tenant = {tenant}
WHERE (SELECT count() FROM quipu.statement_log PREWHERE tenant = {tenant} WHERE voids AND isNotNull(target) AND {there}) = 0
  OR voids OR id NOT IN (SELECT assumeNotNull(target) FROM quipu.statement_log PREWHERE tenant = {tenant} WHERE voids AND isNotNull(target) AND {there})
