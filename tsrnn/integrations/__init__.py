"""Adapters to other libraries: one module and one extra each, none imported by tsrnn itself."""
