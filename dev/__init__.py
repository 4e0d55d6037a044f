"""Tools of the developers, which users do not run and packages do not hold."""
