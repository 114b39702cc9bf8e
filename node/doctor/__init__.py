"""What is wrong with a peer, before its federation notices: one check after the other."""
