"""iconfig.yml -> frozen, validated settings; all mistakes are told at once, before any beam."""
