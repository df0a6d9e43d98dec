"""The demonstration: a simulated county and the product on one machine, through Airflow's scheduler."""
