"""Many training runs that share one Optuna study: the sweep, and tables of presets and seeds.

sweep, reproduce     the commands; search_space and sweep_worker are what a sweep's trials are
grid                 a list of jobs, each trained once
trials, retry        the loop of a worker; trials that lost their process
storage              the database of a study
launchers            processes of this machine, or tasks of a Ray cluster
"""
