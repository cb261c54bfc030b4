"""Asks the SQL interface through clickhouse-connect: a query, a pandas frame, and SQLAlchemy's view of the schema.

Usage: bi-clients.py PORT KEY SECRET DATABASE
Ends with 77 when clickhouse-connect, pandas or SQLAlchemy is not installed.
"""
import json
import sys

try:
    import clickhouse_connect
    import pandas
    import sqlalchemy
    from clickhouse_connect.driver.exceptions import DatabaseError
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

port, key, secret, database = sys.argv[1:5]
told = {}

client = clickhouse_connect.get_client(host="127.0.0.1", port=int(port), username=key, password=secret, database=database)
told["version"] = client.server_version
told["rows"] = client.query("SELECT count() FROM statements").result_rows[0][0]
told["bound"] = client.query("SELECT {x:String}, {d:Date}", parameters={"x": "it's", "d": "2026-01-02"}).result_rows[0][0]
frame = client.query_df("SELECT verb, count() AS n, min(timestamp) AS first FROM statements GROUP BY verb ORDER BY verb")
assert isinstance(frame, pandas.DataFrame)
told["frame"] = frame[["verb", "n"]].values.tolist()
told["first"] = str(frame["first"].dtype)
told["setting"] = client.query("SELECT 1 AS a", settings={"join_use_nulls": 1, "max_execution_time": 5}).result_rows[0][0]
told["refused"] = []
for query in ["SELECT * FROM quipu.statement_log", "SELECT file('/etc/passwd')", "DROP TABLE statements"]:
    try:
        client.command(query)
    except DatabaseError as error:
        told["refused"].append(error.code if hasattr(error, "code") and error.code else str(error).split("code ")[-1].split(",")[0].split(".")[0])
client.close()

engine = sqlalchemy.create_engine(f"clickhousedb://{key}:{secret}@127.0.0.1:{port}/{database}")
inspector = sqlalchemy.inspect(engine)
told["schemas"] = inspector.get_schema_names()
told["tables"] = sorted(set(inspector.get_table_names(database)) | set(inspector.get_view_names(database)))
told["columns"] = [column["name"] for column in inspector.get_columns("verbs", database)]
with engine.connect() as connection:
    told["alchemy"] = connection.execute(sqlalchemy.text("SELECT verb, statements FROM verbs ORDER BY verb")).fetchall()[0][0]
table = sqlalchemy.Table("statements", sqlalchemy.MetaData(schema=database), autoload_with=engine)
with engine.connect() as connection:
    told["reflected"] = connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(table).where(table.c.verb == "completed")).scalar()
print(json.dumps(told))
