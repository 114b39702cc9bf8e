"""What is claimed of speed, memory and gas, measured beside what it must be compared with."""
