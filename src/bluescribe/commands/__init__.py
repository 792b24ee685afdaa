"""The bodies of the ``bluescribe`` commands, one module each; `cli` declares their options."""
