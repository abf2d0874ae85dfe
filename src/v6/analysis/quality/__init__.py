"""What can be wrong with the data of one trade date: a module a family of rules, one table of all (`rules`). Pure."""
