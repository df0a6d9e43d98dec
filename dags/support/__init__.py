"""What the DAG files share: the hub with Airflow's connections, the assets, the retry rules."""
