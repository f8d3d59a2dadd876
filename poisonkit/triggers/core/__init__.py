"""What a trigger is: the contract, how triggers are found, named, chained, and which frames carry them."""
