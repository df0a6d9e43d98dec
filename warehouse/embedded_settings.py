"""The embedded server's settings, written anew at every start."""

# A county office's small machine: 2 cores shared with Airflow and DuckDB. fsync stays on: a commit
# that was answered is kept. Statements and DETAIL lines hold personal values: never logged.
SETTINGS = """\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
work_mem = 64MB
maintenance_work_mem = 256MB
effective_cache_size = 2GB
max_wal_size = 4GB
min_wal_size = 512MB
checkpoint_timeout = 15min
wal_level = minimal
max_wal_senders = 0
random_page_cost = 1.1
jit = off
max_parallel_workers_per_gather = 2
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = warning
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length_on_error = 0
"""
