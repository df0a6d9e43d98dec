#!/bin/sh
# Every container's way in: the departments' connections, then the command. With the simulated county they stand
# on its volume, in a file with secrets made for it; what the operator set in the environment goes before.
set -eu
if [ -r /county/connections.env ]; then
    given=$(export -p)
    set -a
    . /county/connections.env
    set +a
    eval "$given"
fi
exec "$@"
