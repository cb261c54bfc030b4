#!/bin/sh
# Makes the file .env with the passwords that docker-compose.yml asks for; one that is there is left as it is.
set -eu
umask 077
file=${1:-$(dirname "$0")/../../.env}
if [ -e "$file" ]; then
  echo "$file is there already." >&2
  exit 1
fi
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
cat > "$file" <<END
# Where clients reach Quipu, and where nginx listens.
PUBLIC_URL=http://127.0.0.1:8080
LISTEN=127.0.0.1:8080
# The same of the files of courses, which need another origin: another port or host name.
CONTENT_URL=http://127.0.0.1:8081
CONTENT_LISTEN=127.0.0.1:8081

# The first key, with every scope.
FIRST_KEY=$(random | cut -c 1-24)
FIRST_SECRET=$(random)

MONGODB_ROOT_PASSWORD=$(random)
MONGODB_PASSWORD=$(random)
MONGODB_KEY=$(random)
REDIS_PASSWORD=$(random)
CLICKHOUSE_PASSWORD=$(random)
END
echo "$file is made. FIRST_KEY and FIRST_SECRET in it are the first key."
