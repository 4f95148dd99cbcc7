"""Everything that touches the machine where training runs. Python >= 3.6, standard library only."""
