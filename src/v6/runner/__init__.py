"""How a run behaves: the supervisor around it, and the edge inside the job's own process."""
